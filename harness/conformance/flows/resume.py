"""A flow that fails once and is then resumed: what had succeeded is not run a second time."""

from metaflow import FlowSpec, Parameter, current, step


class ResumeFlow(FlowSpec):
    factor = Parameter("factor", default=2)

    @step
    def start(self):
        self.run_by = "resumed run" if current.origin_run_id else "first run"
        self.numbers = [1, 2, 3]
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.run_by = "resumed run" if current.origin_run_id else "first run"
        self.scaled = self.input * self.factor
        self.next(self.join)

    @step
    def join(self, inputs):
        self.scaled = [task.scaled for task in inputs]
        self.done_by = [task.run_by for task in inputs]
        self.run_by = "resumed run" if current.origin_run_id else "first run"
        self.next(self.end)

    @step
    def end(self):
        if current.origin_run_id is None:
            raise RuntimeError("the first run fails at its last step")
        self.run_by = "resumed run"
        self.total = sum(self.scaled)


if __name__ == "__main__":
    ResumeFlow()
