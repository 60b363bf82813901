"""An exception as it travels: what it is, what it says, and where it was raised.

No exception is pickled: a caller would run what a worker sends. The class is looked up among what
the caller has loaded; a class that it cannot know, it could not have named in an `except` either,
and gets one of the same name below the nearest base that is known.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import FunctionError

PACKAGE = str(Path(__file__).parent)
SLOT_WRAPPER = type(BaseException.__init__)
Name = tuple[str, str]  # of a class: module, and name in it
_LIKE: dict[tuple[Name, type[Exception]], type[Exception]] = {}


class RemoteTraceback(Exception):  # noqa: N818 - as in the standard library
    """Where the exception was raised, as text; the cause of what the caller gets."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class Failure:
    """Everything about an exception that can be written down."""

    names: tuple[Name, ...]  # of its class and the bases of that, nearest first
    args: list[Any]
    attributes: dict[str, Any]
    trace: str

    @classmethod
    def of(cls, error: BaseException, private: str = "") -> Failure:
        """Describe an exception; `private` is the prefix of modules that is nobody's business."""
        trace = _trace(error).replace(private, "") if private else _trace(error)
        if not isinstance(error, Exception):
            error = FunctionError(f"the function ended its process: {error!r}")
        names = [
            (base.__module__.removeprefix(private), base.__qualname__)
            for base in type(error).__mro__
            if issubclass(base, BaseException)
        ]
        return cls(tuple(names), _args(error), _attributes(error), trace)

    @classmethod
    def read(cls, said: dict[str, Any]) -> Failure:
        names = tuple((module, name) for module, name in said["names"])
        return cls(names, said["args"], said["attributes"], said["trace"])

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def exception(self) -> Exception:
        """Make the exception anew, with the place it came from as its cause."""
        error = _made(_known(self.names), self.args)
        error.__dict__.update(self.attributes)
        error.__cause__ = RemoteTraceback(self.trace)
        return error

    def __str__(self) -> str:
        return f"{self.names[0][1]}: {', '.join(map(str, self.args))}"


def _trace(error: BaseException) -> str:
    """Write the traceback from the user's code on; all of it if none of that is in it."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(PACKAGE):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or error.__traceback__))


def _args(error: BaseException) -> list[Any]:
    args = error.args
    if isinstance(error, OSError) and error.filename is not None:
        args = (error.errno, error.strerror, error.filename)  # which is in none of its own
    try:
        return list(decode(encode(args)))
    except (NoJsonError, ValueError):
        return [str(error)]


def _attributes(error: BaseException) -> dict[str, Any]:
    kept = {}
    for name, value in vars(error).items():
        try:
            kept[name] = decode(encode(value))
        except (NoJsonError, ValueError):  # noqa: PERF203 - each for itself
            continue
    return {name: value for name, value in kept.items() if not name.startswith("__")}


def _known(names: tuple[Name, ...]) -> tuple[type[Exception], ...]:
    """Give the class if it is loaded here, and classes like it, by the nearest base first."""
    found = []
    for index, (module, name) in enumerate(names):
        known = getattr(sys.modules.get(module), name, None)
        if isinstance(known, type) and issubclass(known, Exception):
            found.append(known if index == 0 else _like(names[0], known))
    return (*found, _like(names[0], FunctionError))


def _like(name: Name, base: type[Exception]) -> type[Exception]:
    """Make a class of that name, the same one each time, so that it can be compared."""
    if (name, base) not in _LIKE:
        _LIKE[name, base] = type(name[1].rpartition(".")[2], (base,), {"__module__": name[0]})
    return _LIKE[name, base]


def _made(candidates: tuple[type[Exception], ...], args: list[Any]) -> Exception:
    """Make an instance of the first class that lets itself be made."""
    for kind in candidates:
        try:
            return _instance(kind, args)
        except TypeError:  # noqa: PERF203 - its constructor takes what cannot be written
            continue
    return FunctionError(*args)


def _instance(kind: type[Exception], args: list[Any]) -> Exception:
    """Make an instance; an `__init__` of Python is not run, since its message is made already."""
    if isinstance(kind.__init__, SLOT_WRAPPER):
        return kind(*args)
    error = kind.__new__(kind, *args)
    error.args = tuple(args)
    return error
