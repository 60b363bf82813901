"""Items that must not share anything: each is a fork of a process that has loaded the flow."""

from metaflow import FlowSpec, step, worker_pool

SEEN = []


class ForksFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range(20))
        self.next(self.work, foreach="numbers")

    @worker_pool(isolation="fork")
    @step
    def work(self):
        SEEN.append(self.input)
        self.alone = len(SEEN) == 1
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all_alone = all(one.alone for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("alone", self.all_alone)


if __name__ == "__main__":
    ForksFlow()
