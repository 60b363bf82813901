"""A parameter of every type, with its default or with what the command line gave."""

from metaflow import FlowSpec, JSONType, Parameter, step


class ParametersFlow(FlowSpec):
    text = Parameter("text", default="plain")
    count = Parameter("count", default=3)
    ratio = Parameter("ratio", default=0.5)
    flag = Parameter("flag", default=False)
    switched_on = Parameter("switched_on", type=bool, default=True)
    settings = Parameter("settings", type=JSONType, default='{"depth": 2, "names": ["a"]}')
    many = Parameter("many", separator=",", default="x,y")
    nothing = Parameter("nothing", type=str, default=None)
    dashed = Parameter("with-dash", type=int, default=1)

    @step
    def start(self):
        self.types = {
            name: type(getattr(self, name)).__name__
            for name in (
                [
                    "text",
                    "count",
                    "ratio",
                    "flag",
                    "switched_on",
                    "settings",
                    "many",
                    "nothing",
                    "dashed",
                ]
            )
        }
        try:
            self.count = 99
        except AttributeError as refusal:
            self.refusal = str(refusal)
        self.next(self.left, self.right)

    @step
    def left(self):
        self.seen = self.text
        self.next(self.join)

    @step
    def right(self):
        self.seen = self.text
        self.next(self.join)

    @step
    def join(self, inputs):
        self.agree = {task.seen for task in inputs} == {self.text}
        self.next(self.end)

    @step
    def end(self):
        self.depth = self.settings["depth"]


if __name__ == "__main__":
    ParametersFlow()
