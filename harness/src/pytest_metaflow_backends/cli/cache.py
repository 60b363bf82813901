"""`mf-backends cache`: what was built and made once, how large it is, and what nobody needs."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

MEBI = 1 << 20


@click.command("cache")
@click.option("--prune", is_flag=True, help="Remove what this version does not use.")
@settings.json_option
def command(prune: bool, as_json: bool) -> int:
    """List the programs and images that backends have built, with their sizes.

    Another checkout may use what this one does not: it would build it anew.
    """
    from metaflow_backends import cache, images, toolchain

    unused = {*toolchain.unused(), *images.unused()}
    folders = [*_below(cache.root() / "tools"), *_below(cache.root() / "images")]
    rows = [_row(folder, used=folder not in unused) for folder in folders]
    if prune:
        for folder in unused:
            shutil.rmtree(folder)
    if as_json:
        click.echo(json.dumps({"folder": str(cache.root()), "pruned": prune, "entries": rows}))
    else:
        _print(rows, str(cache.root()), prune=prune)
    return ExitCode.GREEN


def _below(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*"))


def _row(folder: Path, *, used: bool) -> dict[str, object]:
    sizes = [path.lstat().st_size for path in folder.rglob("*") if path.is_file()]
    return {
        "kind": folder.parent.name,
        "name": folder.name,
        "mebibytes": round(sum(sizes) / MEBI, 1),
        "used": used,
    }


def _print(rows: list[dict[str, object]], folder: str, *, prune: bool) -> None:
    left = "removed" if prune else "unused"
    for row in rows:
        mark = "" if row["used"] else f"  {left}"
        click.echo(f"{row['mebibytes']:>9} MiB  {row['kind']}/{row['name']}{mark}")
    idle = [row for row in rows if not row["used"]]
    size = sum(float(str(row["mebibytes"])) for row in idle)
    click.echo(f"{folder}: {len(rows)} entries, {len(idle)} {left} ({size:.0f} MiB)")
