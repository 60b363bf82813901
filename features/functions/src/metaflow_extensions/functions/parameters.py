"""What a function gets of its task."""

from __future__ import annotations

from typing import Any


class FunctionParameters:
    """Artifacts of the bound task, by name.

    A subclass with annotations says which are used, and of what type; that is checked at bind:

        class Trained(FunctionParameters):
            model: LogisticRegression
            feature_names: list[str]
    """

    def __init__(self, **artifacts: Any) -> None:
        self.__dict__.update(artifacts)

    def __getattr__(self, name: str) -> Any:
        known = ", ".join(sorted(self.__dict__)) or "none"
        raise AttributeError(
            f"the function was bound without the artifact {name!r}; it has {known}"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(sorted(self.__dict__))})"
