from metaflow import FlowSpec, step


class FailingFlow(FlowSpec):
    @step
    def start(self):
        self.kept = 1
        self.next(self.end)

    @step
    def end(self):
        raise ValueError("as meant")


if __name__ == "__main__":
    FailingFlow()
