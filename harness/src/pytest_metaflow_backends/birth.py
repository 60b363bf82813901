"""Redact a report of pytest as it is born, in the process that knows the backend's own secrets.

All that reads reports later (the terminal, JUnit, an xdist controller, other plugins) then sees
none. pytest's trees of a traceback are not public API: they are walked, never taken apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends import properties

if TYPE_CHECKING:
    import pytest

    from pytest_metaflow_backends.redact import Redactor


def redact(report: pytest.TestReport | pytest.CollectReport, redactor: Redactor) -> None:
    """Mask what was said by a test, or while its module was imported.

    That is the traceback or the reason, captured output, properties, and our own facts.
    """
    report.longrepr = _masked(report.longrepr, redactor)
    report.sections = [(name, redactor(text)) for name, text in report.sections]
    if known := getattr(report, "user_properties", None):  # not of a report of collection
        report.user_properties = [  # type: ignore[union-attr]
            properties.masked(name, value, redactor) for name, value in known
        ]
    if (why := getattr(report, "wasxfail", None)) is not None:
        report.wasxfail = redactor(why)  # type: ignore[union-attr]
    facts = getattr(report, "metaflow", {})
    for name in facts.keys() & {"runs", "snapshots", "message", "type"}:
        facts[name] = redactor.leaves(facts[name])


def _masked(part: Any, redactor: Redactor) -> Any:  # noqa: ANN401 - a tree without a public type
    """Give a text or a sequence anew; mask an object of pytest's in place."""
    if isinstance(part, str):
        return redactor(part)
    if isinstance(part, list):
        return _lines(part, redactor) or [_masked(item, redactor) for item in part]
    if isinstance(part, tuple):
        return tuple(_masked(item, redactor) for item in part)
    if type(part).__module__.startswith("_pytest."):
        for name, value in list(vars(part).items()):
            object.__setattr__(part, name, _masked(value, redactor))
    return part


def _lines(part: list[Any], redactor: Redactor) -> list[str] | None:
    """Mask the lines of a traceback together, since a secret may lie on two; None if they are none.

    There are fewer afterwards if one was hidden so.
    """
    if not all(isinstance(line, str) for line in part):
        return None
    text = "\n".join(part)
    masked = redactor(text)
    return part if masked == text else masked.split("\n")
