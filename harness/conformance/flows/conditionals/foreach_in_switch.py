"""A way of a switch fans out over a list; the other way goes straight on."""

from metaflow import FlowSpec, Parameter, step


class ForeachInSwitchFlow(FlowSpec):
    letters = Parameter("letters", default=3)

    @step
    def start(self):
        self.post = "some" if self.letters else "none"
        self.next({"some": self.sort, "none": self.end}, condition="post")

    @step
    def sort(self):
        self.streets = ["Ash", "Birch", "Cedar"][: self.letters]
        self.next(self.carry, foreach="streets")

    @step
    def carry(self):
        self.done = f"{self.input} street"
        self.next(self.back)

    @step
    def back(self, inputs):
        self.served = [task.done for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.report = getattr(self, "served", [])


if __name__ == "__main__":
    ForeachInSwitchFlow()
