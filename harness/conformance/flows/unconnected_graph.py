"""A step that no other step leads to: Metaflow refuses the graph."""

from metaflow import FlowSpec, step


class UnconnectedGraphFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def island(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    UnconnectedGraphFlow()
