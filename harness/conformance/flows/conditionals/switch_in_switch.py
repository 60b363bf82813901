"""A way of a switch switches again."""

from metaflow import FlowSpec, Parameter, step


class SwitchInSwitchFlow(FlowSpec):
    door = Parameter("door", default="left")
    room = Parameter("room", default="red")

    @step
    def start(self):
        self.next({"left": self.garden, "right": self.hall}, condition="door")

    @step
    def garden(self):
        self.place = "garden"
        self.next(self.end)

    @step
    def hall(self):
        self.next({"red": self.red, "blue": self.blue}, condition="room")

    @step
    def red(self):
        self.place = "red room"
        self.next(self.end)

    @step
    def blue(self):
        self.place = "blue room"
        self.next(self.end)

    @step
    def end(self):
        self.found = self.place


if __name__ == "__main__":
    SwitchInSwitchFlow()
