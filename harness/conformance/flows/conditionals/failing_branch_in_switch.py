"""In a way of a switch one of two branches fails: their join must not start."""

from metaflow import FlowSpec, step


class FailingBranchInSwitchFlow(FlowSpec):
    @step
    def start(self):
        self.way = "both"
        self.next({"both": self.split, "none": self.none}, condition="way")

    @step
    def split(self):
        self.next(self.holds, self.breaks)

    @step
    def holds(self):
        self.next(self.meet)

    @step
    def breaks(self):
        raise RuntimeError("this branch breaks")
        self.next(self.meet)

    @step
    def meet(self, inputs):
        self.next(self.shared)

    @step
    def none(self):
        self.next(self.shared)

    @step
    def shared(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailingBranchInSwitchFlow()
