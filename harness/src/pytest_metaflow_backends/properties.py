"""Mask what tests write into a JUnit file without a report: attributes, properties of the suite.

pytest's own fixtures hand these to its file at once. Each of ours is asked for by the same name and
passes on what is left when secrets are masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_metaflow_backends.redact import Redactor

    Record = Callable[[str, object], None]


class Properties:
    """Fixtures that stand before pytest's own in a run that has a matrix."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    @pytest.fixture
    def record_xml_attribute(self, record_xml_attribute: Record) -> Record:
        """Add an attribute to the test's element of the JUnit file; secrets are masked."""
        return self._masking(record_xml_attribute)

    @pytest.fixture(scope="session")
    def record_testsuite_property(self, record_testsuite_property: Record) -> Record:
        """Add a property to the suite in the JUnit file; secrets are masked."""
        return self._masking(record_testsuite_property)

    def _masking(self, record: Record) -> Record:
        def masking(name: str, value: object) -> None:
            __tracebackhide__ = True
            record(*masked(name, value, self._redactor))

        return masking


def masked(name: Any, value: Any, redactor: Redactor) -> tuple[Any, Any]:  # noqa: ANN401 - pytest's
    """Mask one property; a value that holds no secret stays what it is, of whatever type."""
    return _masked(name, redactor), _masked(value, redactor)


def _masked(value: Any, redactor: Redactor) -> Any:  # noqa: ANN401
    said = str(value)  # as it is written
    safe = redactor(said)
    return value if safe == said else safe
