"""The second of three steps raises: what it stored before is kept, what comes after never runs."""

from metaflow import FlowSpec, step


class FailingStepFlow(FlowSpec):
    @step
    def start(self):
        self.value = 1
        self.next(self.broken)

    @step
    def broken(self):
        self.value = 2
        self.before = "stored although the step failed"
        print("about to fail")
        self.helper({"größe": 1})
        self.next(self.end)

    def helper(self, table):
        return table["weight"]

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailingStepFlow()
