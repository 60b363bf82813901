"""`@function` and `@json_function`: what is noted about a function before any task is known."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from metaflow_extensions.functions.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

MARK = "__metaflow_function__"
BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
MOST = 2  # the record, and what the task gives


@dataclass(frozen=True)
class Declaration:
    """What a decorator says, and what the signature does."""

    batch: bool
    serializer: str
    takes_params: bool
    is_async: bool

    @classmethod
    def of(cls, function: Callable[..., Any], *, batch: bool, serializer: str) -> Declaration:
        """Read the signature; DeclarationError if such a function cannot be called remotely."""
        _refuse_streams(function)
        names = _taken(function)
        return cls(batch, serializer, len(names) == MOST, inspect.iscoroutinefunction(function))


def declaration_of(function: Callable[..., Any]) -> Declaration:
    """Give what was declared; an undecorated function is a plain `@json_function`."""
    marked = getattr(function, MARK, None)
    if isinstance(marked, Declaration):
        return marked
    return Declaration.of(function, batch=False, serializer="json")


@overload
def function(body: Function, /) -> Function: ...
@overload
def function(
    body: None = None, /, *, batch: bool = False, serializer: str = "json"
) -> Callable[[Function], Function]: ...
def function(body: Any = None, /, *, batch: bool = False, serializer: str = "json") -> Any:
    """Mark a function that can be bound to a task; it stays callable as it is.

    With `batch=True` it takes a list of records and returns a list as long.
    """

    def mark(body: Function) -> Function:
        setattr(body, MARK, Declaration.of(body, batch=batch, serializer=serializer))
        return body

    return mark if body is None else mark(body)


@overload
def json_function(body: Function, /) -> Function: ...
@overload
def json_function(
    body: None = None, /, *, batch: bool = False
) -> Callable[[Function], Function]: ...
def json_function(body: Any = None, /, *, batch: bool = False) -> Any:
    """Mark a function whose records and results are JSON."""
    mark = function(batch=batch, serializer="json")
    return mark if body is None else mark(body)


def _refuse_streams(function: Callable[..., Any]) -> None:
    if not inspect.isfunction(function):
        raise DeclarationError(f"{function!r} is no function: decorate one written with `def`")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(f"{function.__name__} yields: a function returns one result")


def _taken(function: Callable[..., Any]) -> list[str]:
    """Name what the function takes: one record, and perhaps the task's artifacts."""
    parameters = inspect.signature(function).parameters.values()
    taken = [p.name for p in parameters if p.kind in BY_POSITION]
    optional = {p.name for p in parameters if p.default is not p.empty}
    fits = 1 <= len(taken) <= MOST and all(p.name in {*taken, *optional} for p in parameters)
    if not fits:
        raise DeclarationError(
            f"{function.__name__}{inspect.signature(function)}: a function takes one record, and "
            "a second argument `params` if it uses artifacts"
        )
    return taken
