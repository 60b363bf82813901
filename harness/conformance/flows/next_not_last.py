"""An artifact changed after `self.next`: Metaflow refuses such a step before there is a run."""

from metaflow import FlowSpec, step


class NextNotLastFlow(FlowSpec):
    @step
    def start(self):
        self.value = "before"
        self.next(self.end)
        self.value = "after"

    @step
    def end(self):
        pass


if __name__ == "__main__":
    NextNotLastFlow()
