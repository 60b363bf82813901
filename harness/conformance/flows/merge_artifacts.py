"""`merge_artifacts` takes what is unambiguous, and what it is told to include or leave out."""

from metaflow import FlowSpec, step


class MergeArtifactsFlow(FlowSpec):
    @step
    def start(self):
        self.shared = "from start"
        self.same = 0
        self.torn = 0
        self.next(self.left, self.right)

    @step
    def left(self):
        self.only_left = "left"
        self.same = [1, 2]
        self.torn = "left"
        self.next(self.join)

    @step
    def right(self):
        self.only_right = "right"
        self.same = [1, 2]
        self.torn = "right"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.torn = inputs.left.torn + "+" + inputs.right.torn
        self.merge_artifacts(inputs, exclude=["only_right"])
        self.lacks = not hasattr(self, "only_right")
        self.next(self.part_again)

    @step
    def part_again(self):
        self.next(self.again_left, self.again_right)

    @step
    def again_left(self):
        self.extra = 1
        self.next(self.second_join)

    @step
    def again_right(self):
        self.extra = 2
        self.next(self.second_join)

    @step
    def second_join(self, inputs):
        self.merge_artifacts(inputs, include=["shared", "torn"])
        self.next(self.end)

    @step
    def end(self):
        self.missing = [n for n in ("only_left", "same", "extra") if not hasattr(self, n)]


if __name__ == "__main__":
    MergeArtifactsFlow()
