"""Tags given to the run, and read in it."""

from metaflow import FlowSpec, current, step


class TagsFlow(FlowSpec):
    @step
    def start(self):
        self.seen = sorted(current.tags)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    TagsFlow()
