"""Only a switch can go back, and only to itself: this loop goes through a second step."""

from metaflow import FlowSpec, step


class LoopOverTwoStepsFlow(FlowSpec):
    @step
    def start(self):
        self.rounds = 0
        self.next(self.check)

    @step
    def check(self):
        self.rounds += 1
        self.case = "again" if self.rounds < 3 else "done"
        self.next({"again": self.other, "done": self.end}, condition="case")

    @step
    def other(self):
        self.next(self.check)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    LoopOverTwoStepsFlow()
