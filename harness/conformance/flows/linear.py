"""Values travel from step to step; what a step does not touch arrives unchanged."""

from metaflow import FlowSpec, step


class LinearFlow(FlowSpec):
    @step
    def start(self):
        self.number = 1
        self.history = ["start"]
        self.untouched = {"since": "start", "nested": [1, [2, [3]]]}
        print("start says hello")
        self.next(self.middle)

    @step
    def middle(self):
        self.number *= 20
        self.history.append("middle")
        self.next(self.end)

    @step
    def end(self):
        self.number += 1
        self.history.append("end")


if __name__ == "__main__":
    LinearFlow()
