"""More retries than Metaflow allows: refused before there is a run."""

from metaflow import FlowSpec, retry, step


class RetryTooOftenFlow(FlowSpec):
    @retry(times=5, minutes_between_retries=0)
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RetryTooOftenFlow()
