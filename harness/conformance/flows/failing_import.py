"""A module that the flow needs is not there."""

import module_that_nobody_has
from metaflow import FlowSpec, step


class FailingImportFlow(FlowSpec):
    @step
    def start(self):
        self.value = module_that_nobody_has.VALUE
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailingImportFlow()
