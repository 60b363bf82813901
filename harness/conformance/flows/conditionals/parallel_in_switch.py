"""A way of a switch runs one step on several nodes at once."""

from metaflow import FlowSpec, Parameter, current, parallel, step


class ParallelInSwitchFlow(FlowSpec):
    hands = Parameter("hands", default="many")

    @step
    def start(self):
        self.next({"one": self.alone, "many": self.share}, condition="hands")

    @step
    def alone(self):
        self.work = ["all"]
        self.next(self.end)

    @step
    def share(self):
        self.next(self.lift, num_parallel=2)

    @parallel
    @step
    def lift(self):
        self.part = f"{current.parallel.node_index} of {current.parallel.num_nodes}"
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.work = sorted(task.part for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        self.did = self.work


if __name__ == "__main__":
    ParallelInSwitchFlow()
