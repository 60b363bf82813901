"""Tries everything that a call needs, one thing after the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.backend import start
from metaflow_extensions.functions.errors import FunctionError
from metaflow_extensions.functions.loading import load, read_reference
from metaflow_extensions.functions.proving import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metaflow_extensions.functions.loading import Loaded


@dataclass(frozen=True)
class Check:
    """One thing that was tried."""

    name: str
    passed: bool
    said: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.name}: {self.said}"


def checks(location: str, backend: str) -> Iterator[Check]:
    """Try reference, parts, environment and example; ends at the first that fails."""
    try:
        reference, _ = read_reference(location)
        yield Check("reference", True, reference.uuid)  # noqa: FBT003 - it passed
        loaded = load(location)
        parts = f"code and {len(reference.artifacts)} artifacts are what was bound"
        yield Check("hashes", True, parts)  # noqa: FBT003
        differing = reference.environment.differences()
        yield Check("environment", True, _environment(differing))  # noqa: FBT003
        yield _example(loaded, backend)
    except FunctionError as error:
        yield Check("load", False, str(error))  # noqa: FBT003


def _environment(differing: list[str]) -> str:
    return f"made anew: {'; '.join(differing)}" if differing else "this interpreter has it"


def _example(loaded: Loaded, backend: str) -> Check:
    example = loaded.reference.example
    if example is None:
        return _loads(loaded, backend)
    try:
        ran = run(loaded, example.record, backend)
    except Exception as error:  # noqa: BLE001 - of the user's code
        return Check("example", False, f"raised {type(error).__name__}: {error}")  # noqa: FBT003
    same = ran.sha256 == example.output_sha256
    said = f"{ran.milliseconds:g} ms, at bind {example.milliseconds:g} ms"
    return Check(
        "example", same, said if same else f"gives {ran.output!r}, not what it gave at bind"
    )


def _loads(loaded: Loaded, backend: str) -> Check:
    """Load the function at least, where no example was given."""
    try:
        start(backend, loaded).close()
    except FunctionError:
        raise
    except Exception as error:  # noqa: BLE001 - of the user's code
        return Check("load", False, f"raised {type(error).__name__}: {error}")  # noqa: FBT003
    return Check("load", True, "it does; no example was given at bind")  # noqa: FBT003
