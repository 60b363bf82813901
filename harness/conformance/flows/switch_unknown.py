"""A switch whose condition names none of its cases."""

from metaflow import FlowSpec, step


class SwitchUnknownFlow(FlowSpec):
    @step
    def start(self):
        self.route = "neither"
        self.next({"yes": self.yes, "no": self.no}, condition="route")

    @step
    def yes(self):
        self.next(self.end)

    @step
    def no(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SwitchUnknownFlow()
