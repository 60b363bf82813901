"""A step that does not listen when its time is over; a file has the times at which it ran."""

import time

from metaflow import FlowSpec, Parameter, nomad, step, timeout


class DeafFlow(FlowSpec):
    file = Parameter("file", required=True)

    @timeout(seconds=5)
    @nomad
    @step
    def start(self):
        while True:
            try:
                with open(self.file, "a") as lines:
                    lines.write(f"{time.time()}\n")
                time.sleep(0.1)
            except Exception as error:  # noqa: BLE001 - that is what it is for
                print("not now:", error, flush=True)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    DeafFlow()
