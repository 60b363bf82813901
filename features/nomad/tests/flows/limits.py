"""A step that takes too much memory and one that takes too long; both are caught."""

import os
import time

from metaflow import FlowSpec, catch, nomad, step, timeout

MB = 1 << 20


class LimitsFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.memory, self.endless)

    @catch(var="failure")
    @nomad(memory=200)
    @step
    def memory(self):
        time.sleep(1)
        self.size = len(bytearray(os.urandom(MB)) * 400)
        self.next(self.join)

    @catch(var="failure")
    @timeout(seconds=5)
    @nomad
    @step
    def endless(self):
        time.sleep(600)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.memory_failure = str(inputs.memory.failure)
        self.endless_failure = str(inputs.endless.failure)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    LimitsFlow()
