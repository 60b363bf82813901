"""Everything that is wrong with a matrix, each mistake as one line with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.matrix.meaning import nonsense
from pytest_metaflow_backends.matrix.mistake import Mistake
from pytest_metaflow_backends.matrix.shape import misfits

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_metaflow_backends.matrix.source import Source


def mistakes(source: Source, kinds: Collection[str]) -> list[str]:
    """List what is wrong, in the order of the file; `kinds` are the installed backend kinds.

    At one place the first finder wins: YAML itself, then the schema, then the meaning. Mistakes in
    what two keys share by an alias stand in the file once, and are said once.
    """
    if not isinstance(source.data, dict):
        wrong = Mistake((), "expected keys such as `version` and `backends`")
        return [f"{source.where(())}: {wrong.text}"]
    by_place: dict[tuple[tuple[int, int], bool], list[Mistake]] = {}
    for finder in (source.mistakes, misfits(source.data), nonsense(source.data, kinds)):
        fresh: dict[tuple[tuple[int, int], bool], list[Mistake]] = {}
        for mistake in finder:
            spot = (source.position(mistake.place, at_key=mistake.at_key), mistake.at_key)
            if spot not in by_place:
                fresh.setdefault(spot, []).append(mistake)
        by_place |= fresh
    lines = [
        f"{source.path}:{line}:{column}: {mistake.text}"
        for ((line, column), _), listed in sorted(by_place.items())
        for mistake in listed
    ]
    return list(dict.fromkeys(lines))
