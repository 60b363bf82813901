"""A step whose process dies leaves no exception; `@catch` then stands in for it."""

import os
import signal

from metaflow import FlowSpec, catch, step


class CatchKilledFlow(FlowSpec):
    @catch(var="problem")
    @step
    def start(self):
        self.lost = "never stored"
        os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.end)

    @step
    def end(self):
        self.kind = type(self.problem.exception).__name__
        self.text = str(self.problem.exception)
        self.has_lost = hasattr(self, "lost")


if __name__ == "__main__":
    CatchKilledFlow()
