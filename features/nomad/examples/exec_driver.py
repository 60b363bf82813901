"""A step without a container: the driver `exec` gives it a folder and limits of its own."""

import os
import sys

from metaflow import FlowSpec, nomad, step


class ExecDriverFlow(FlowSpec):
    # The node's own Python, in the folders that its `chroot_env` shows to tasks.
    @nomad(driver="exec", memory=256)
    @step
    def start(self):
        self.python = sys.executable
        self.user = os.getuid()
        self.home = os.environ["HOME"]
        print("hello from", self.python)
        self.next(self.end)

    @step
    def end(self):
        print("it ran as user", self.user)


if __name__ == "__main__":
    ExecDriverFlow()
