"""A step that says the time, many times; what is later than that is the way to whoever reads it."""

import time

from metaflow import FlowSpec, nomad, step

LINES, PAUSE = 60, 0.1  # seconds


class TickingFlow(FlowSpec):
    @nomad
    @step
    def start(self) -> None:
        for _ in range(LINES):
            print("tick", time.time(), flush=True)
            time.sleep(PAUSE)
        print("tick", time.time(), flush=True)
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    TickingFlow()
