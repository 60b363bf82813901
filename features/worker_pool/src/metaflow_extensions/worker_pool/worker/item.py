"""One item in a worker: what Metaflow's command `step` would do in a process of its own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.wire import stamp

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Item:
    """What the command line of a task says beyond that of its worker."""

    argv: list[str]
    environment: dict[str, str]
    options: dict[str, str]
    at: int  # when the scheduler gave it away, as `wire.stamp`

    @classmethod
    def of(cls, message: dict[str, Any]) -> Item:
        argv = message["argv"]
        words = iter(argv[argv.index("--run-id") :])
        options = {name[2:]: value for name, value in zip(words, words, strict=True)}
        return cls(argv, message["env"], options, message["at"])

    def run(self, task: Any) -> None:
        """Do what a task does; raises what its step raises.

        Source: metaflow.cli_components.step_cmd.step
        """
        from metaflow.cli_args import cli_args
        from metaflow.util import decompress_list

        self._not_at_once()
        options = self.options
        index = options.get("split-index")
        attempt = int(options.get("retry-count", 0))
        cli_args._set_step_kwargs(  # noqa: SLF001 - as the command does it
            {
                **cli_args.step_kwargs,
                "task_id": options["task-id"],
                "input_paths": options.get("input-paths"),
                "split_index": None if index is None else int(index),
                "retry_count": attempt,
            }
        )
        task.run_step(
            task.step_name,
            options["run-id"],
            options["task-id"],
            options.get("clone-run-id"),
            decompress_list(options["input-paths"]) if options.get("input-paths") else [],
            None if index is None else int(index),
            attempt,
            int(options.get("max-user-code-retries", 0)),
        )

    def _not_at_once(self) -> None:
        """Let the millisecond pass in which the scheduler registered the task.

        It and the task itself store the same metadata, in files named by the millisecond; a second
        file of the same name Metaflow leaves out, which no process of its own is quick enough for.
        """
        while stamp() <= self.at:
            time.sleep(0.0002)


def outcome(run: Callable[[], None]) -> int:
    """Run something as a program's last act; gives the exit code, and prints as Metaflow would."""
    from metaflow_extensions.worker_pool.worker import ending

    try:
        run()
    except SystemExit as end:
        return ending.of_exit(end)
    except BaseException as error:  # noqa: BLE001 - nothing may pass a worker by
        return ending.of_error(error)
    finally:
        for stream in (sys.stdout, sys.stderr):
            ending.flush(stream)
    return 0
