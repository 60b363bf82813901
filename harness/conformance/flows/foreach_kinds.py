"""What a foreach can go over besides a list: text, a tuple (with None in it), a range."""

from metaflow import FlowSpec, step

KINDS = {"text": "ab", "tuple": (1, None, 2.5), "range": range(2, 4)}


class ForeachKindsFlow(FlowSpec):
    @step
    def start(self):
        self.kinds = tuple(KINDS)
        self.next(self.open, foreach="kinds")

    @step
    def open(self):
        self.kind = self.input
        self.items = KINDS[self.kind]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.got = self.input
        self.next(self.close)

    @step
    def close(self, inputs):
        self.seen = [task.got for task in inputs]
        self.kind = inputs[0].kind
        self.next(self.join)

    @step
    def join(self, inputs):
        self.seen = {task.kind: task.seen for task in inputs}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachKindsFlow()
