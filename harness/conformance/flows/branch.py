"""Two branches see the same past, not each other, and meet in a join that reads both by name."""

from metaflow import FlowSpec, step


class BranchFlow(FlowSpec):
    @step
    def start(self):
        self.base = 10
        self.next(self.left, self.right)

    @step
    def left(self):
        self.sees_right = hasattr(self, "from_right")
        self.from_left = self.base + 1
        self.next(self.join)

    @step
    def right(self):
        self.sees_left = hasattr(self, "from_left")
        self.from_right = self.base + 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = inputs.left.from_left + inputs.right.from_right
        self.isolated = not inputs.left.sees_right and not inputs.right.sees_left
        self.inherits_base = hasattr(self, "base")  # a join inherits nothing unless it merges
        self.next(self.end)

    @step
    def end(self):
        self.doubled = self.total * 2


if __name__ == "__main__":
    BranchFlow()
