"""Files that become artifacts when the run is started: as text, as bytes, and not given at all."""

import os

from metaflow import FlowSpec, IncludeFile, step

HERE = os.path.dirname(os.path.abspath(__file__))


class IncludeFileFlow(FlowSpec):
    table = IncludeFile("table", default=os.path.join(HERE, "data", "mountains.csv"))
    raw = IncludeFile("raw", is_text=False, default=os.path.join(HERE, "data", "mountains.csv"))
    absent = IncludeFile("absent", required=False)

    @step
    def start(self):
        self.rows = [line.split(",") for line in self.table.splitlines()]
        self.same = self.raw.decode() == self.table
        self.next(self.end)

    @step
    def end(self):
        self.names = [name for name, _ in self.rows[1:]]
        self.is_absent = self.absent is None


if __name__ == "__main__":
    IncludeFileFlow()
