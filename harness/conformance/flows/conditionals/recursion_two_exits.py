"""A step that repeats itself by either of two cases and has two ways out."""

from metaflow import FlowSpec, Parameter, step


class RecursionTwoExitsFlow(FlowSpec):
    tired = Parameter("tired", default=False)

    @step
    def start(self):
        self.lengths = 0
        self.case = "rest" if self.tired else "there"
        self.next(self.swim)

    @step
    def swim(self):
        if self.case != "rest":
            self.lengths += 1
            self.case = "enough" if self.lengths > 3 else "back" if self.lengths % 2 else "there"
        self.next(
            {"there": self.swim, "back": self.swim, "rest": self.nap, "enough": self.end},
            condition="case",
        )

    @step
    def nap(self):
        self.napped = True
        self.next(self.end)

    @step
    def end(self):
        self.told = (self.lengths, getattr(self, "napped", False))


if __name__ == "__main__":
    RecursionTwoExitsFlow()
