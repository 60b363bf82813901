"""A foreach inside a foreach, of unequal sizes: stacks, indices and both joins."""

from metaflow import FlowSpec, step


class NestedForeachFlow(FlowSpec):
    @step
    def start(self):
        self.groups = [["a", "b"], ["c"], ["d", "e", "f"]]
        self.next(self.outer, foreach="groups")

    @step
    def outer(self):
        self.letters = self.input
        self.group = self.index
        self.next(self.inner, foreach="letters")

    @step
    def inner(self):
        self.stack = [(frame[0], frame[1]) for frame in self.foreach_stack()]
        self.label = f"{self.group}.{self.index}={self.input}"
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.labels = [task.label for task in inputs]
        self.group_again = self.index  # inside the outer foreach once more
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.all_labels = [task.labels for task in inputs]
        self.order = [task.group_again for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.count = sum(len(labels) for labels in self.all_labels)


if __name__ == "__main__":
    NestedForeachFlow()
