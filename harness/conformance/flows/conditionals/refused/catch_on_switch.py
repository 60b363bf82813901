"""A step whose failure is caught would leave no condition to switch on."""

from metaflow import FlowSpec, catch, step


class CatchOnSwitchFlow(FlowSpec):
    @catch(var="problem")
    @step
    def start(self):
        self.way = "left"
        self.next({"left": self.left, "right": self.right}, condition="way")

    @step
    def left(self):
        self.next(self.end)

    @step
    def right(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    CatchOnSwitchFlow()
