"""The flow file ends the process while it is imported."""

import sys

from metaflow import FlowSpec, step

print("this flow does not want to run", file=sys.stderr)
sys.exit(3)


class FailingExitFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
