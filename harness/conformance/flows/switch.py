"""One of three ways is taken, by the value of an artifact; the other steps never run."""

from metaflow import FlowSpec, Parameter, step


class SwitchFlow(FlowSpec):
    size = Parameter("size", default=5)

    @step
    def start(self):
        self.route = "small" if self.size < 10 else "large" if self.size < 100 else "huge"
        self.next({"small": self.small, "large": self.large, "huge": self.huge}, condition="route")

    @step
    def small(self):
        self.taken = "the small way"
        self.next(self.end)

    @step
    def large(self):
        self.taken = "the large way"
        self.next(self.end)

    @step
    def huge(self):
        self.taken = "the huge way"
        self.next(self.detour)

    @step
    def detour(self):
        self.taken += ", with a detour"
        self.next(self.end)

    @step
    def end(self):
        self.told = self.taken


if __name__ == "__main__":
    SwitchFlow()
