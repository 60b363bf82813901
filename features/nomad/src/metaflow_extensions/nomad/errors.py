"""What goes wrong, in one line that says what helps; never a traceback."""

from __future__ import annotations

from metaflow.exception import MetaflowException


class NomadError(MetaflowException):
    """Something the user can mend: settings, rights, an address."""

    headline = "Nomad"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class SpecError(NomadError):
    """An attribute of @nomad that cannot be."""

    headline = "@nomad"


class UnreachableError(NomadError):
    """No server answered in time."""


class DeniedError(NomadError):
    """The token lacks a right."""


class MissingError(NomadError):
    """Nomad knows no such thing (any more)."""


class RefusedError(NomadError):
    """Nomad took the request for a mistake; asking again would not help."""


class ExistsError(RefusedError):
    """A job of this ID is there already."""
