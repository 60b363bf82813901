"""Decorators that change the flow itself: add a parameter, decorators, and code around a step."""

import os

from metaflow import FlowMutator, FlowSpec, Parameter, StepMutator, step, user_step_decorator


class Equipped(FlowMutator):
    def pre_mutate(self, mutable_flow):
        mutable_flow.add_parameter("added", Parameter("added", type=int, default=41))

    def mutate(self, mutable_flow):
        for name, one in mutable_flow.steps:
            if name == "work":
                one.add_decorator("environment", deco_kwargs={"vars": {"ADDED": name}})


class Patient(StepMutator):
    def mutate(self, mutable_step):
        mutable_step.add_decorator("retry", deco_kwargs={"times": 1, "minutes_between_retries": 0})


@user_step_decorator
def noted(step_name, flow, inputs=None, attributes=None):
    flow.before = f"before {step_name}"
    yield
    flow.after = f"after {step_name}, which had answer {flow.answer}"


@Equipped
class MutatorsFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.work)

    @noted
    @Patient
    @step
    def work(self):
        from metaflow import current

        if current.retry_count == 0:
            raise RuntimeError("the first attempt fails")
        self.answer = self.added + 1
        self.variable = os.environ.get("ADDED")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MutatorsFlow()
