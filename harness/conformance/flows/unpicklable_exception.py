"""What is raised cannot be pickled; it is caught, told and does not break the run."""

import threading

from metaflow import FlowSpec, catch, step


class HoldsALock(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.lock = threading.Lock()
        self.function = lambda: None


class NeedsTwoArguments(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


RAISED = [HoldsALock("with a lock"), NeedsTwoArguments("one", "two")]


class UnpicklableExceptionFlow(FlowSpec):
    @step
    def start(self):
        self.positions = list(range(len(RAISED)))
        self.next(self.work, foreach="positions")

    @catch(var="problem", print_exception=False)
    @step
    def work(self):
        raise RAISED[self.input]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.kinds = [task.problem.type.rpartition(".")[2] for task in inputs]
        self.texts = [str(task.problem.exception) for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    UnpicklableExceptionFlow()
