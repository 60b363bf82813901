"""What a task knows about itself."""

from metaflow import FlowSpec, current, step


def who(name):
    return {
        "flow": current.flow_name,
        "step": current.step_name,
        "retry": current.retry_count,
        "running": current.is_running_flow,
        "said": name,
    }


def ids():
    return {"pathspec": current.pathspec, "run": current.run_id, "task": current.task_id}


class IdentityFlow(FlowSpec):
    @step
    def start(self):
        self.me, self.ids = who("start"), ids()
        self.user = current.username
        self.names = ["x", "y"]
        self.next(self.work, foreach="names")

    @step
    def work(self):
        self.me, self.ids = who(self.input), ids()
        self.stack = [list(frame) for frame in self.foreach_stack()]
        self.position = self.index
        self.next(self.join)

    @step
    def join(self, inputs):
        self.stacks = [task.stack for task in inputs]
        self.tasks = sorted(task.ids["task"] for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        self.me, self.ids = who("end"), ids()


if __name__ == "__main__":
    IdentityFlow()
