"""`@resources` asks for what nearly any machine has."""

from metaflow import FlowSpec, resources, step


class ResourceRequestFlow(FlowSpec):
    @resources(cpu=1, memory=512)
    @step
    def start(self):
        self.worked = sum(range(1000))
        self.next(self.end)

    @step
    def end(self):
        self.too = self.worked


if __name__ == "__main__":
    ResourceRequestFlow()
