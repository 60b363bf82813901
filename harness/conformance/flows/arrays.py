"""numpy and pandas values go from step to step unchanged."""

import numpy as np
import pandas as pd
from metaflow import FlowSpec, step


class ArraysFlow(FlowSpec):
    @step
    def start(self):
        self.matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
        self.scalar = np.int64(7)
        self.table = pd.DataFrame({"name": ["a", "ß", None], "value": [1.5, 2.5, float("nan")]})
        self.days = pd.Series(pd.to_datetime(["2026-01-01", "2026-02-01"]))
        self.next(self.end)

    @step
    def end(self):
        self.total = float(self.matrix.sum())
        self.shape = list(self.matrix.shape)
        self.kind = str(self.matrix.dtype)
        self.mean = float(self.table["value"].mean())
        self.names = [name for name in self.table["name"] if isinstance(name, str)]
        self.month = int(self.days.dt.month.max())


if __name__ == "__main__":
    ArraysFlow()
