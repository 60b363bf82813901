"""One of two parallel branches takes one of two ways; the join waits for both branches."""

from metaflow import FlowSpec, Parameter, step


class SwitchInBranchFlow(FlowSpec):
    fuel = Parameter("fuel", default="wood")

    @step
    def start(self):
        self.next(self.water, self.fire)

    @step
    def water(self):
        self.brought = "water"
        self.next(self.cook)

    @step
    def fire(self):
        self.next({"wood": self.wood, "gas": self.gas}, condition="fuel")

    @step
    def wood(self):
        self.brought = "wood"
        self.next(self.cook)

    @step
    def gas(self):
        self.brought = "gas"
        self.next(self.cook)

    @step
    def cook(self, inputs):
        self.pot = sorted(task.brought for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SwitchInBranchFlow()
