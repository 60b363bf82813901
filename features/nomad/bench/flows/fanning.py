"""A hundred steps that do nothing, so that what is around them is all there is to wait for."""

import os

from metaflow import FlowSpec, nomad, retry, step

STEPS = int(os.environ.get("STEPS", "100"))


class FanningFlow(FlowSpec):
    @step
    def start(self) -> None:
        self.items = list(range(STEPS))
        self.next(self.trivial, foreach="items")

    # Tried again by hand: the very same jobs, as the next attempt.
    @retry(times=3, minutes_between_retries=0)
    @nomad(cpu=100, memory=400)
    @step
    def trivial(self) -> None:
        self.next(self.join)

    @step
    def join(self, inputs: object) -> None:  # noqa: ARG002 - Metaflow's signature
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    FanningFlow()
