from metaflow import FlowSpec, step
from models import Doubling


class TrainingFlow(FlowSpec):
    @step
    def start(self):
        self.model = Doubling(2)
        self.feature_names = ["a", "b"]
        self.threshold = 0.5
        self.words = "many"
        self.next(self.end)

    @step
    def end(self):
        self.model = Doubling(3)


if __name__ == "__main__":
    TrainingFlow()
