"""The base class of inherited.py; not a flow that can be run."""

from metaflow import FlowSpec, Parameter, step


class Template(FlowSpec):
    factor = Parameter("factor", default=3)
    unit = "kg"

    @step
    def start(self):
        self.value = self.load() * self.factor
        self.next(self.report)

    @step
    def report(self):
        self.text = "of the template"
        self.next(self.end)

    @step
    def end(self):
        self.final = f"{self.value} {self.unit}, {self.text}"

    def load(self):
        raise NotImplementedError
