"""A step that takes longer than its `@timeout`; which steps have one is decided by the test."""

import time

from metaflow import FlowSpec, Parameter, step


class TimeoutHitFlow(FlowSpec):
    seconds = Parameter("seconds", default=300)

    @step
    def start(self):
        print("going to sleep", flush=True)
        time.sleep(self.seconds)
        print("slept enough")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    TimeoutHitFlow()
