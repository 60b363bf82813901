"""What `@catch` is told of a step that is over its `@timeout`."""

import time

from metaflow import FlowSpec, catch, step


class TimeoutToldFlow(FlowSpec):
    @catch(var="problem", print_exception=False)
    @step
    def start(self):
        time.sleep(300)
        self.next(self.end)

    @step
    def end(self):
        self.told = [self.problem.type, str(self.problem)]


if __name__ == "__main__":
    TimeoutToldFlow()
