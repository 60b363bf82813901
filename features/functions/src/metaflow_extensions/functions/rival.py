"""Netflix's package promotes the same names to `metaflow` as this one: one has to go."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from metaflow_extensions.functions.errors import FunctionError

RIVAL = "metaflow-functions"


def refuse_rival() -> None:
    """Raise FunctionError if the other package is installed too: whose names count is chance."""
    try:
        found = distribution(RIVAL)
    except PackageNotFoundError:
        return
    raise FunctionError(
        f"{RIVAL} {found.version} is installed beside metaflow-open-functions, and both give "
        f"metaflow.function_from_json: pip uninstall {RIVAL}; its references are read here too"
    )
