"""`mf-backends cache`: what was built and made once, how large it is, and what nobody needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEBI = 1 << 20
KINDS = ("tools", "images")


@dataclass(frozen=True)
class Entry:
    """One thing that was built or made, or begun."""

    name: str  # e.g. tools/nomad-1.11.2-422554df4edd
    mebibytes: float
    used: bool  # by this version, with this Go
    removed: bool = False


@click.command("cache")
@click.option("--prune", is_flag=True, help="Remove what this version does not use.")
@settings.json_option
def command(prune: bool, as_json: bool) -> int:
    """List the programs and images that backends have built, with their sizes.

    Another checkout may use what this one does not, and would build it anew; take down what it
    has up before you prune.
    """
    from metaflow_backends import cache

    entries = [entry(folder, used=used, prune=prune) for folder, used in found()]
    if as_json:
        told = {"folder": str(cache.root()), "entries": [asdict(one) for one in entries]}
        click.echo(json.dumps(told))
    else:
        show(entries, str(cache.root()))
    return ExitCode.GREEN


def found() -> Sequence[tuple[Path, bool]]:
    """Find all entries, and tell of each whether this version uses it."""
    from metaflow_backends import cache, images, toolchain

    unused = {*toolchain.unused(), *images.unused()}
    whole = [path for kind in KINDS for path in sorted((cache.root() / kind).glob("[!.]*"))]
    begun = [path for kind in KINDS for path in cache.unfinished(kind)]
    return [*((path, path not in unused) for path in whole), *((path, False) for path in begun)]


def entry(folder: Path, *, used: bool, prune: bool) -> Entry:
    """Measure an entry and, if asked to and nobody uses it, remove it."""
    from metaflow_backends import cache

    sizes = [path.lstat().st_size for path in folder.rglob("*") if path.is_file()]
    return Entry(
        name=f"{folder.parent.name}/{folder.name}",
        mebibytes=round(sum(sizes) / MEBI, 1),
        used=used,
        removed=prune and not used and cache.discard(folder),
    )


def show(entries: Sequence[Entry], folder: str) -> None:
    """Print it for a person."""
    for one in entries:
        mark = "" if one.used else "  removed" if one.removed else "  unused"
        click.echo(f"{one.mebibytes:>9} MiB  {one.name}{mark}")
    for word, of in (
        ("unused", [one for one in entries if not (one.used or one.removed)]),
        ("removed", [one for one in entries if one.removed]),
    ):
        if of:
            click.echo(f"{len(of)} {word} ({sum(one.mebibytes for one in of):.0f} MiB)")
    click.echo(f"{len(entries)} entries in {folder}")
