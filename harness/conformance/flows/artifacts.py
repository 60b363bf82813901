"""Artifacts of every size and name: empty, large, non-ASCII, None, deleted, nested."""

from metaflow import FlowSpec, Parameter, resources, step

MEGABYTE = 1024 * 1024


class ArtifactsFlow(FlowSpec):
    megabytes = Parameter("megabytes", default=1)

    @resources(memory=1024)  # a large artifact is held as it is, pickled and compressed
    @step
    def start(self):
        self.empty = b""
        self.large = bytes(range(256)) * (self.megabytes * MEGABYTE // 256)
        self.größe = "groß"
        self.数 = 42
        self.none = None
        self.nested = {"a": [1, (2, 3), {"b": {4, 5}}], 6: b"\xff"}
        self.deleted = 1
        del self.deleted
        self.next(self.end)

    @resources(memory=1024)
    @step
    def end(self):
        self.length = len(self.large)
        self.ends = list(self.large[:2] + self.large[-2:])
        self.sum = self.数 + len(self.größe)
        self.has_deleted = hasattr(self, "deleted")


if __name__ == "__main__":
    ArtifactsFlow()
