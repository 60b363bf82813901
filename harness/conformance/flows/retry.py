"""A step that fails, fails in another way, and succeeds: three attempts at one task."""

from metaflow import FlowSpec, current, retry, step


class RetryFlow(FlowSpec):
    @step
    def start(self):
        self.history = []
        self.next(self.shaky)

    @retry(times=3, minutes_between_retries=0)
    @step
    def shaky(self):
        self.history.append(current.retry_count)  # what failed attempts stored does not count
        print(f"attempt {current.retry_count}")
        if current.retry_count == 0:
            raise ValueError("the first attempt fails")
        if current.retry_count == 1:
            raise OSError("the second attempt fails")
        self.attempt = current.retry_count
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RetryFlow()
