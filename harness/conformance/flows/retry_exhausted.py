"""A step that never succeeds, with as many retries as Metaflow allows."""

from metaflow import FlowSpec, current, retry, step


class RetryExhaustedFlow(FlowSpec):
    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        raise RuntimeError(f"attempt {current.retry_count} fails")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RetryExhaustedFlow()
