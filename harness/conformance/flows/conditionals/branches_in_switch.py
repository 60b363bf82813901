"""A way of a switch splits in two and joins again before the ways meet."""

from metaflow import FlowSpec, Parameter, step


class BranchesInSwitchFlow(FlowSpec):
    guests = Parameter("guests", default=2)

    @step
    def start(self):
        self.size = "party" if self.guests > 1 else "alone"
        self.next({"alone": self.read, "party": self.host}, condition="size")

    @step
    def read(self):
        self.evening = ["book"]
        self.next(self.end)

    @step
    def host(self):
        self.next(self.food, self.music)

    @step
    def food(self):
        self.part = "food"
        self.next(self.dance)

    @step
    def music(self):
        self.part = "music"
        self.next(self.dance)

    @step
    def dance(self, inputs):
        self.evening = sorted(task.part for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        self.had = self.evening


if __name__ == "__main__":
    BranchesInSwitchFlow()
