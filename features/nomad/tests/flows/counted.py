"""Every start of the step's code leaves a line in a file, which raw_exec shares with a test."""

import os
import time

from metaflow import FlowSpec, Parameter, current, nomad, retry, step


class CountedFlow(FlowSpec):
    file = Parameter("file", required=True)
    seconds = Parameter("seconds", default=20.0, help="that the first attempt takes")

    @nomad
    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        with open(self.file, "a") as lines:
            allocation, job = os.environ["NOMAD_ALLOC_ID"], os.environ["NOMAD_JOB_ID"]
            lines.write(f"{current.retry_count} {allocation} {job}\n")
        for number in range(int(self.seconds * 10) if current.retry_count == 0 else 1):
            print("tick", number, flush=True)
            time.sleep(0.1)
        self.attempt = current.retry_count
        self.next(self.end)

    @step
    def end(self):
        print("attempt", self.attempt)


if __name__ == "__main__":
    CountedFlow()
