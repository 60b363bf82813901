"""A text given to the run, as it arrives in the first step and in the next."""

from metaflow import FlowSpec, Parameter, step


class ParameterTextFlow(FlowSpec):
    text = Parameter("text")

    @step
    def start(self):
        self.first = self.text
        self.next(self.end)

    @step
    def end(self):
        self.again = self.text if self.first == self.text else None


if __name__ == "__main__":
    ParameterTextFlow()
