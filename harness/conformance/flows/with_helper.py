"""A flow that imports a module beside it."""

import helper_module
from metaflow import FlowSpec, step


class WithHelperFlow(FlowSpec):
    @step
    def start(self):
        self.loud = helper_module.shout("found")
        self.next(self.end)

    @step
    def end(self):
        from helper_module import shout

        self.again = shout("again")


if __name__ == "__main__":
    WithHelperFlow()
