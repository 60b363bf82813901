"""A foreach over nothing: Metaflow refuses it at the step that asks for it."""

from metaflow import FlowSpec, step


class ForeachEmptyFlow(FlowSpec):
    @step
    def start(self):
        self.nothing = []
        self.next(self.work, foreach="nothing")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.count = len(list(inputs))
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachEmptyFlow()
