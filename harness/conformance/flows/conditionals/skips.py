"""Two switches in a row, each of which can leave steps out."""

from metaflow import FlowSpec, Parameter, step


class SkipsFlow(FlowSpec):
    wash = Parameter("wash", default="yes")
    iron = Parameter("iron", default="no")

    @step
    def start(self):
        self.did = []
        self.next({"yes": self.washing, "no": self.sorting}, condition="wash")

    @step
    def washing(self):
        self.did.append("washed")
        self.next(self.drying)

    @step
    def drying(self):
        self.did.append("dried")
        self.next({"yes": self.ironing, "no": self.sorting}, condition="iron")

    @step
    def ironing(self):
        self.did.append("ironed")
        self.next(self.sorting)

    @step
    def sorting(self):
        self.did.append("sorted")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SkipsFlow()
