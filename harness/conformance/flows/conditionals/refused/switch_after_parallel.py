"""A step that runs on several nodes cannot decide where the flow goes."""

from metaflow import FlowSpec, parallel, step


class SwitchAfterParallelFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.lift, num_parallel=2)

    @parallel
    @step
    def lift(self):
        self.case = "this"
        self.next({"this": self.this, "that": self.that}, condition="case")

    @step
    def this(self, inputs):
        self.next(self.end)

    @step
    def that(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SwitchAfterParallelFlow()
