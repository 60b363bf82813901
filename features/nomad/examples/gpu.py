"""A step with a GPU: Nomad places it where one is free, and says which it is."""

import os

from metaflow import FlowSpec, nomad, step


class GpuFlow(FlowSpec):
    @nomad(gpu=1, device_constraints="${device.attr.memory} >= 16 GiB")
    @step
    def start(self):
        self.card = os.environ["NVIDIA_VISIBLE_DEVICES"]
        print("mine is", self.card)
        self.next(self.end)

    @step
    def end(self):
        print("it was", self.card)


if __name__ == "__main__":
    GpuFlow()
