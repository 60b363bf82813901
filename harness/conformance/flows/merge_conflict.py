"""Both branches changed the same artifact and the join does not say which counts."""

from metaflow import FlowSpec, step


class MergeConflictFlow(FlowSpec):
    @step
    def start(self):
        self.torn = 0
        self.next(self.left, self.right)

    @step
    def left(self):
        self.torn = "left"
        self.next(self.join)

    @step
    def right(self):
        self.torn = "right"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MergeConflictFlow()
