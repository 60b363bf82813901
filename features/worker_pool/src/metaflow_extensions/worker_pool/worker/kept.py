"""An object's or a class's attributes, as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONTAINERS = (dict, list, set)


@dataclass(frozen=True)
class Kept:
    """What `restore` gives back: names, values, and what is in containers one level deep."""

    holder: Any
    values: dict[str, Any]
    contents: dict[str, Any]

    @classmethod
    def of(cls, holder: Any) -> Kept:
        values = dict(vars(holder))
        contents = {n: v.copy() for n, v in values.items() if isinstance(v, CONTAINERS)}
        return cls(holder, values, contents)

    def restore(self) -> None:
        now = vars(self.holder)
        if len(now) != len(self.values) or any(
            now.get(name, self) is not value for name, value in self.values.items()
        ):
            self._names(dict(now))
        for name, content in self.contents.items():
            container = self.values[name]
            if container != content:
                _fill(container, content)

    def _names(self, now: dict[str, Any]) -> None:
        for name in now.keys() - self.values.keys():
            delattr(self.holder, name)
        for name, value in self.values.items():
            if now.get(name, self) is not value:
                setattr(self.holder, name, value)


def _fill(container: Any, content: Any) -> None:
    """Put a container's items back into the same object, which others may hold."""
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)
