"""A foreach inside one of two branches: the branches' join waits for the whole foreach."""

from metaflow import FlowSpec, step


class ForeachInBranchFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2, 3]
        self.next(self.fan_out, self.short)

    @step
    def fan_out(self):
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.tenfold = self.input * 10
        self.next(self.fan_in)

    @step
    def fan_in(self, inputs):
        self.total = sum(task.tenfold for task in inputs)
        self.next(self.meet)

    @step
    def short(self):
        self.quick = True
        self.next(self.meet)

    @step
    def meet(self, inputs):
        self.result = (inputs.fan_in.total, inputs.short.quick)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachInBranchFlow()
