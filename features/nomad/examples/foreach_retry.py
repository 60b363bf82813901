"""Items on Nomad at the same time; one of them needs a second attempt."""

from metaflow import FlowSpec, current, nomad, retry, step


class ForeachRetryFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2, 3]
        self.next(self.square, foreach="numbers")

    @nomad
    @retry(times=1, minutes_between_retries=0)
    @step
    def square(self):
        if self.input == 2 and current.retry_count == 0:
            raise RuntimeError("the first attempt fails")
        self.value = self.input**2
        self.attempt = current.retry_count
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = [task.value for task in inputs]
        self.attempts = [task.attempt for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(self.values)


if __name__ == "__main__":
    ForeachRetryFlow()
