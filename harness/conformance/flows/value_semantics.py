"""Artifacts are values: what a step left is a copy, and two names for one object come apart."""

from metaflow import FlowSpec, step


class ValueSemanticsFlow(FlowSpec):
    @step
    def start(self):
        self.rebound = "before"
        self.grown = [1]
        self.alias = self.grown
        self.removed = "soon gone"
        self.finish()
        self.next(self.end)

    def finish(self):
        """Change artifacts out of sight of the step."""
        self.rebound = "after"
        self.grown.append(2)
        del self.removed

    @step
    def end(self):
        self.equal_at_first = self.alias == self.grown
        self.grown.append(3)  # the alias is another list by now
        self.equal_at_last = self.alias == self.grown
        self.gone = not hasattr(self, "removed")


if __name__ == "__main__":
    ValueSemanticsFlow()
