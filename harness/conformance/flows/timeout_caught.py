"""`@timeout` under `@catch`: what timed out is told, its siblings are not disturbed."""

import time

from metaflow import FlowSpec, catch, step, timeout


class TimeoutCaughtFlow(FlowSpec):
    @step
    def start(self):
        self.naps = [60, 0, 0]
        self.next(self.nap, foreach="naps")

    @catch(var="problem", print_exception=False)
    @timeout(seconds=2)
    @step
    def nap(self):
        time.sleep(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.kinds = [task.problem and task.problem.type for task in inputs]
        self.first_line = str(inputs[0].problem.exception).splitlines()[0]
        self.next(self.end)

    @step
    def end(self):
        time.sleep(2.5)  # longer than the alarm of the other step, which must be off by now
        self.rested = True


if __name__ == "__main__":
    TimeoutCaughtFlow()
