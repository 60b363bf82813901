"""A step's process ends in one of many ways, at the first attempt only or always."""

import ctypes
import os
import signal
import sys

from metaflow import FlowSpec, Parameter, current, step


def segfault():
    ctypes.string_at(0)


WAYS = {
    "exit_3": lambda: sys.exit(3),
    "exit_text": lambda: sys.exit("leaving with a message"),
    "hard_exit_7": lambda: os._exit(7),
    "kill_9": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit_0": lambda: sys.exit(0),
    "hard_exit_0": lambda: os._exit(0),
    "segfault": segfault,
}


class ProcessEndFlow(FlowSpec):
    way = Parameter("way", default="kill_9")
    always = Parameter("always", default=True)

    @step
    def start(self):
        if self.always or current.retry_count == 0:
            print("the last words", flush=True)
            WAYS[self.way]()
        self.attempt = current.retry_count
        self.next(self.end)

    @step
    def end(self):
        self.reached = True


if __name__ == "__main__":
    ProcessEndFlow()
