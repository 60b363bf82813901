"""What an item finds: all that Metaflow keeps in a process, as it was before the first one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.worker.kept import Kept
from metaflow_extensions.worker_pool.worker.leftovers import Leftovers

if TYPE_CHECKING:
    from metaflow_extensions.worker_pool.worker.item import Item


class State:
    """The process as it was; `leave` makes it so again and names what items have to answer for."""

    def __init__(self, kept: list[Kept], leftovers: Leftovers) -> None:
        self._kept, self._leftovers = kept, leftovers

    @classmethod
    def taken(cls, arguments: tuple[Any, ...]) -> State:
        return cls([Kept.of(one) for one in _holders(arguments)], Leftovers.found())

    def enter(self, item: Item) -> None:
        """Set what the command line and the environment of a task say."""
        sys.argv[:] = item.argv
        os.environ.update(item.environment)
        self._leftovers.allow(item.environment)

    def leave(self) -> list[str]:
        for kept in self._kept:
            kept.restore()
        return self._leftovers.cleared()


def _holders(arguments: tuple[Any, ...]) -> list[Any]:
    """List the objects of Metaflow that hold something about the task of a process."""
    from metaflow.cli_args import cli_args
    from metaflow.decorators import FlowDecorator, StepDecorator, flow_decorators
    from metaflow.metaflow_current import current
    from metaflow.system_context import system_context

    flow, _, metadata, *_ = arguments
    decorators = [*flow_decorators(flow), *(deco for one in flow for deco in one.decorators)]
    classes = {
        cls
        for deco in decorators
        for cls in type(deco).__mro__
        if issubclass(cls, (FlowDecorator, StepDecorator))
        and cls.__module__ != "metaflow.decorators"
    }
    holders = [type(flow), type(current), current, system_context, metadata, cli_args]
    return [*holders, *decorators, *classes]
