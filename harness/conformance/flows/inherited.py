"""Steps and parameters of a base class, from a module beside the flow, are part of the flow."""

from flow_template import Template
from metaflow import step


class InheritedFlow(Template):
    unit = "t"

    def load(self):
        return 14

    @step
    def report(self):
        self.text = "of the subclass"
        self.next(self.end)


if __name__ == "__main__":
    InheritedFlow()
