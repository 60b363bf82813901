"""An artifact that cannot be stored: the step fails and says which one."""

import threading

from metaflow import FlowSpec, step


class UnpicklableArtifactFlow(FlowSpec):
    @step
    def start(self):
        self.fine = 1
        self.stubborn = threading.Lock()
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    UnpicklableArtifactFlow()
