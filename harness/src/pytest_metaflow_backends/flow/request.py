"""What is to be run: the whole of it, since the flow's process inherits nothing else."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TAIL_LINES = 200
LONGEST = 7 * 24 * 3600  # seconds


@dataclass(frozen=True)
class FlowRequest:
    """One command on one flow file.

    `top` holds what Metaflow takes before the command (`environment`, `config_value`, `metadata`),
    `options` what it takes after it (`max_workers`, `origin_run_id`; for spin also `pathspec`).
    `environment` is complete: nothing of the caller's own environment is added.
    """

    path: Path
    command: str = "run"  # run | resume | spin
    parameters: Mapping[str, Any] = field(default_factory=dict)
    decospecs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    top: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "runner"  # runner | deployer
    scheduler_type: str | None = None  # e.g. argo-workflows; only for the mode deployer
    deploy_args: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 900.0  # seconds, of the flow; describing it afterwards has its own limit
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = field(default_factory=Path.cwd)
    tail_lines: int = TAIL_LINES  # lines of output that are carried, per stream

    def check(self) -> None:
        """Raise UsageError for what can be known to be wrong before anything is started."""
        __tracebackhide__ = True
        if not self.path.is_file():
            raise UsageError(f"flow file {self.path} does not exist; give the path of a .py file")
        if not self.cwd.is_dir():
            raise UsageError(f"working directory {self.cwd} of flow {self.path} does not exist")
        if not 0 < self.timeout <= LONGEST:
            raise UsageError(
                f"timeout {self.timeout!r} of flow {self.path}: give seconds, more than 0 and at "
                "most a week"
            )
        if self.command not in COMMANDS:
            known = ", ".join(COMMANDS)
            raise UsageError(f"flow command {self.command!r} is not known; use one of {known}")
        if self.mode not in MODES:
            raise UsageError(f"mode {self.mode!r} is not known; use one of {', '.join(MODES)}")
        if self.mode == "deployer" and not self.scheduler_type:
            raise UsageError("mode deployer needs `scheduler_type`, e.g. argo-workflows")
        if self.mode == "deployer" and self.command != "run":
            raise UsageError(
                f"a deployed flow can only be run, not {self.command}; use mode runner"
            )
        if self.command == "spin" and "pathspec" not in self.options:
            raise UsageError("spin needs the option `pathspec`: <step>, <run>/<step>/<task>")

    def to_json(self) -> str:
        """Encode all but the environment, which may hold secrets and never goes into a file."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "environment"}
        data |= {"path": self.path.absolute(), "cwd": self.cwd.absolute()}
        try:
            return json.dumps(data, default=_as_text)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"flow {self.path}: cannot be passed to its process: {error}"
            ) from error

    @classmethod
    def from_json(cls, text: str) -> FlowRequest:
        """Decode; the environment is the one of this process."""
        data = json.loads(text)
        for name in ("path", "cwd"):
            data[name] = Path(data[name])
        for name in ("decospecs", "tags"):
            data[name] = tuple(data[name])
        for name in PAIRS & data["top"].keys():
            data["top"][name] = [tuple(pair) for pair in data["top"][name]]
        return cls(**data, environment=dict(os.environ))


COMMANDS = ("run", "resume", "spin")
PAIRS = {"config", "config_value"}  # top-level options that Metaflow wants as a list of tuples
MODES = ("runner", "deployer")


def _as_text(value: object) -> str:
    if isinstance(value, os.PathLike):
        return str(value)
    kind = type(value).__name__
    raise TypeError(f"a value of type {kind} has no JSON form; pass text, numbers, lists or dicts")
