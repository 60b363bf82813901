"""What a pool tells of itself."""

from __future__ import annotations

from typing import Any

from metaflow_extensions.worker_pool.local.sizing import Size


class Report:
    """Counts, and tells."""

    def __init__(self, deco: Any, size: Size) -> None:
        self._deco, self._size = deco, size
        self._warned: set[str] = set()

    @classmethod
    def of(cls, deco: Any, flow: str, run_id: str, size: Size) -> Report:
        return cls(deco, size)

    def took(self, task: Any) -> None: ...

    def worker(self, what: str, pid: int, why: str = "") -> None: ...

    def left_behind(self, left: list[str]) -> None: ...

    def ended(self, task: Any, returncode: int) -> None: ...

    def close(self) -> None: ...
