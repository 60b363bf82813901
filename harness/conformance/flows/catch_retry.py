"""`@retry` first, `@catch` for what the last attempt raised."""

from metaflow import FlowSpec, catch, current, retry, step


class CatchRetryFlow(FlowSpec):
    @catch(var="problem")
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        self.attempt = current.retry_count
        raise KeyError(f"attempt {current.retry_count}")
        self.next(self.end)

    @step
    def end(self):
        self.caught = (self.problem.type, str(self.problem.exception))


if __name__ == "__main__":
    CatchRetryFlow()
