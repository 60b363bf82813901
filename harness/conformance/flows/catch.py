"""`@catch` lets the flow go on and hands on what was raised, or None where nothing was."""

from metaflow import FlowSpec, catch, step


class CatchFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [4, 0, 2]
        self.next(self.divide, foreach="numbers")

    @catch(var="problem", print_exception=False)
    @step
    def divide(self):
        self.divisor = self.input
        self.result = 8 // self.divisor
        self.next(self.join)

    @step
    def join(self, inputs):
        self.results = [getattr(task, "result", None) for task in inputs]
        self.divisors = [task.divisor for task in inputs]
        self.problems = [task.problem and str(task.problem.exception) for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    CatchFlow()
