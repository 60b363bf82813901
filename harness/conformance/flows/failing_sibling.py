"""One item of a foreach fails: the run fails, the join never runs, the others' results stay."""

from metaflow import FlowSpec, step


class FailingSiblingFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 0]
        self.next(self.divide, foreach="numbers")

    @step
    def divide(self):
        self.result = 6 / self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.results = [task.result for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailingSiblingFlow()
