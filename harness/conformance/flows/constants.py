"""Attributes of the class are part of the run: every task sees them, none can change them."""

from metaflow import FlowSpec, step


class ConstantsFlow(FlowSpec):
    LIMIT = 3
    names = ("a", "b")

    @step
    def start(self):
        self.doubled = self.LIMIT * 2
        try:
            self.LIMIT = 4
        except AttributeError as refusal:
            self.refusal = str(refusal)
        self.next(self.end)

    @step
    def end(self):
        self.still = self.LIMIT


if __name__ == "__main__":
    ConstantsFlow()
