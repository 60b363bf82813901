"""Many steps at once, each with something to say for a while."""

import time

from metaflow import FlowSpec, Parameter, nomad, step


class CrowdFlow(FlowSpec):
    steps = Parameter("steps", default=80)
    lines = Parameter("lines", default=20)

    @step
    def start(self):
        self.numbers = list(range(self.steps))
        self.next(self.talk, foreach="numbers")

    @nomad
    @step
    def talk(self):
        for line in range(self.lines):
            print(f"step {self.input} line {line}", flush=True)
            time.sleep(0.5)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    CrowdFlow()
