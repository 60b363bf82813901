"""One step on Nomad, with what the cluster's settings say: `python hello.py run`."""

import os

from metaflow import FlowSpec, nomad, step


class HelloNomadFlow(FlowSpec):
    @nomad
    @step
    def start(self):
        self.allocation = os.environ["NOMAD_ALLOC_ID"]
        print("hello from allocation", self.allocation)
        self.next(self.end)

    @step
    def end(self):
        print("it was", self.allocation)


if __name__ == "__main__":
    HelloNomadFlow()
