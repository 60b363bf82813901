"""Check the options that the matrix hands to a backend."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Collection

    from metaflow_backends.protocol import Settings


class OptionError(BackendError):
    """An option of the matrix is unknown to the backend or has a value it cannot use."""


def check_names(settings: Settings, known: Collection[str]) -> None:
    """Raise OptionError with the nearest name if the matrix gives an option nobody reads."""
    for name in settings.options:
        if name not in known:
            raise OptionError(f"{settings.column}: unknown option {name!r}; {nearest(name, known)}")


def nearest(name: str, known: Collection[str]) -> str:
    """Say which name was probably meant, or which there are."""
    if close := get_close_matches(name, known, n=1):
        return f"did you mean {close[0]!r}?"
    return f"there is: {', '.join(sorted(known)) or 'none'}"


def check_no_provider(settings: Settings) -> None:
    """Raise OptionError if the matrix names a provider for a kind that comes up in one way only."""
    if settings.provider is not None:
        raise OptionError(
            f"{settings.column}: there are no providers to choose from; take out "
            f"`provider: {settings.provider}`"
        )
