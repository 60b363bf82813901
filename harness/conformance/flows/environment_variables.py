"""`@environment` sets variables for the step that names them, and for no other."""

import os

from metaflow import FlowSpec, environment, step

VARIABLES = {"CONFORMANCE_PLAIN": "1", "CONFORMANCE_ODD": 'a b="c" $HOME \' \\ größe'}


class EnvironmentVariablesFlow(FlowSpec):
    @environment(vars=VARIABLES)
    @step
    def start(self):
        self.here = {name: os.environ.get(name) for name in VARIABLES}
        self.next(self.end)

    @step
    def end(self):
        self.elsewhere = {name: os.environ.get(name) for name in VARIABLES}


if __name__ == "__main__":
    EnvironmentVariablesFlow()
