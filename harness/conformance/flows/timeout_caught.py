"""`@timeout` under `@catch`: what timed out is told, its siblings are not disturbed."""

import time

from metaflow import Config, FlowSpec, catch, config_expr, step, timeout


class TimeoutCaughtFlow(FlowSpec):
    limits = Config("limits", default_value={"seconds": 2})

    @step
    def start(self):
        self.naps = [300, 0, 0]
        self.next(self.nap, foreach="naps")

    @catch(var="problem", print_exception=False)
    @timeout(seconds=config_expr("limits.seconds"))
    @step
    def nap(self):
        time.sleep(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.kinds = [task.problem and task.problem.type for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        time.sleep(
            self.limits.seconds + 0.5
        )  # longer than the alarm of the other step, which must be off by now
        self.rested = True


if __name__ == "__main__":
    TimeoutCaughtFlow()
