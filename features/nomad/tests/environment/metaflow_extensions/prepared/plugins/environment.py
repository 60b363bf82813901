"""Stands for the environments of @pypi and @conda, which a task makes from a channel of packages.

It names its interpreter, and prepares a task, in the very form in which they do.
"""

import os

from metaflow.metaflow_environment import MetaflowEnvironment


class PreparedEnvironment(MetaflowEnvironment):
    """Runs steps with an interpreter of their own, in the folder that PREPARED names."""

    TYPE = "prepared"

    def executable(self, step_name: str, default: str | None = None) -> str:
        """Name it as the shell of a task finds it."""
        return "$MF_PREPARED/bin/python -s"

    def bootstrap_commands(self, step_name: str, datastore_type: str) -> list[str]:
        """Tell of it, upload that, and say where it is."""
        place = os.environ["PREPARED"]
        return [
            "echo 'Bootstrapping virtual environment...'",
            "flush_mflogs",
            'DISABLE_TRACING=True python -m platform "terse"',
            "export PATH=$PATH:$(pwd)/somewhere/bin",
            f"export MF_PREPARED=$(case $(uname) in Linux)echo {place};;*)echo;;esac)",
        ]
