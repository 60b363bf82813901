"""Settings from a file: in steps, in decorators, in defaults, and replaced when the run starts."""

import os

from metaflow import Config, FlowSpec, Parameter, config_expr, environment, step

HERE = os.path.dirname(os.path.abspath(__file__))


def pairs(text):
    return dict(line.split("=") for line in text.split(";"))


class ConfigFlow(FlowSpec):
    settings = Config("settings", default=os.path.join(HERE, "data", "settings.json"))
    inline = Config("inline", default_value={"mode": "quiet"})
    parsed = Config("parsed", default_value="a=1;b=2", parser=pairs)
    rows = Parameter("rows", default=settings.limits.rows)

    @environment(vars={"FROM_CONFIG": config_expr("settings.home + '/' + inline.mode")})
    @step
    def start(self):
        self.version = self.settings.version
        self.label = self.settings["label"]
        self.limits = self.settings.limits.to_dict()
        self.mode = self.inline.mode
        self.a = self.parsed.a
        self.variable = os.environ["FROM_CONFIG"]
        self.next(self.end)

    @step
    def end(self):
        self.again = (self.settings.version, self.inline.mode, self.rows)


if __name__ == "__main__":
    ConfigFlow()
