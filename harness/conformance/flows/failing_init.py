"""The flow's constructor raises."""

from metaflow import FlowSpec, step


class FailingInitFlow(FlowSpec):
    def __init__(self, *args, **kwargs):
        raise RuntimeError("the constructor of the flow fails")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailingInitFlow()
