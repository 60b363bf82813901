from metaflow import FlowSpec, step


class BenchFlow(FlowSpec):
    @step
    def start(self) -> None:
        self.weights = [0.1 * n for n in range(10)]
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    BenchFlow()
