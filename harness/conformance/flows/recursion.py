"""A step that switches back to itself until it is done; each round is a task of its own."""

from metaflow import FlowSpec, step


class RecursionFlow(FlowSpec):
    @step
    def start(self):
        self.value = 27
        self.path = [27]
        self.next(self.collatz)

    @step
    def collatz(self):
        self.value = self.value // 2 if self.value % 2 == 0 else 3 * self.value + 1
        self.path.append(self.value)
        self.state = "done" if len(self.path) > 5 else "more"
        self.next({"more": self.collatz, "done": self.end}, condition="state")

    @step
    def end(self):
        self.rounds = len(self.path) - 1


if __name__ == "__main__":
    RecursionFlow()
