"""Defaults that are functions: called once, before the run; all tasks see what they gave."""

from metaflow import FlowSpec, JSONType, Parameter, step


def greeting(context):
    return f"hello from {context.flow_name} to {context.parameter_name}"


def settings(_context):
    return '{"limits": [1, 2]}'


class ParameterDelayedFlow(FlowSpec):
    greeting = Parameter("greeting", default=greeting)
    settings = Parameter("settings", type=JSONType, default=settings)
    count = Parameter("count", type=int, default=lambda _context: 7)

    @step
    def start(self):
        self.total = sum(self.settings["limits"]) + self.count
        self.next(self.end)

    @step
    def end(self):
        self.said = self.greeting.upper()


if __name__ == "__main__":
    ParameterDelayedFlow()
