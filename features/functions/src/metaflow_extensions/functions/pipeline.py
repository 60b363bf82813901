"""Functions one after the other: `a | b` gives what b makes of what a gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.rows import RowError, chosen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metaflow_extensions.functions.handle import JsonFunction
    from typing_extensions import Self


class FunctionPipeline:
    """Stages that are bound functions, of any tasks and environments."""

    def __init__(self, stages: tuple[JsonFunction, ...]) -> None:
        self.stages = stages

    def __call__(self, record: Any, *, timeout: float | None = None) -> Any:
        """Run one record through all stages; `timeout` in seconds holds for each."""
        for stage in self.stages:
            record = stage(record, timeout=timeout)
        return record

    async def call_async(self, record: Any, *, timeout: float | None = None) -> Any:
        """Run one record without blocking the event loop."""
        for stage in self.stages:
            record = await stage.call_async(record, timeout=timeout)
        return record

    def map(
        self, records: Iterable[Any], *, batch_size: int | None = None, on_error: str = "raise"
    ) -> list[Any]:
        """Run many records, stage by stage; one that fails goes no further."""
        rows = list(records)
        for stage in self.stages:
            rows = _through(stage, rows, batch_size)
        return chosen(rows, on_error)

    def close(self) -> None:
        """Close all stages."""
        for stage in self.stages:
            stage.close()

    def __or__(self, other: JsonFunction | FunctionPipeline) -> FunctionPipeline:
        return FunctionPipeline((*self.stages, *_stages(other)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _stages(other: JsonFunction | FunctionPipeline) -> tuple[JsonFunction, ...]:
    return other.stages if isinstance(other, FunctionPipeline) else (other,)


def _through(stage: JsonFunction, rows: list[Any], batch_size: int | None) -> list[Any]:
    """Run the rows that are good; errors keep their place and the index of their record."""
    good = [(index, row) for index, row in enumerate(rows) if not isinstance(row, RowError)]
    results = stage.map([row for _, row in good], batch_size=batch_size, on_error="return")
    for (index, _), result in zip(good, results, strict=True):
        bad = isinstance(result, RowError)
        rows[index] = RowError(index, result.error) if bad else result
    return rows
