"""A parameter that must be given, and must be a whole number."""

from metaflow import FlowSpec, Parameter, step


class ParameterRequiredFlow(FlowSpec):
    year = Parameter("year", type=int, required=True)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.next_year = self.year + 1


if __name__ == "__main__":
    ParameterRequiredFlow()
