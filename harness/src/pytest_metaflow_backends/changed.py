"""Which paths a change touches, as git tells; read only."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 120  # seconds


def since(base: str, root: Path) -> list[str]:
    """List the paths that differ between `base` and the files as they are, from the top of git.

    Compared is with where the two histories parted, so what others did since does not count. Both
    names of a renamed file are given, and files that git does not know yet. Raises UsageError if
    there is no such commit here.
    """
    if base.startswith("-"):
        raise UsageError(f"--base {base}: not a commit")
    parted = _git(root, "merge-base", base, "HEAD").strip()
    touched = _git(root, "diff", "--name-only", "--no-renames", "-z", parted, "--")
    unknown = _git(root, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/")
    return [path for path in (touched + unknown).split("\0") if path]


def _git(root: Path, *arguments: str) -> str:
    """Ask git; names that are not UTF-8 come out as they went in."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except FileNotFoundError as error:
        raise UsageError("git is missing, and --base needs it; or name paths with --changed") from (
            error
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git {arguments[0]} gave no answer within {TIMEOUT} s") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(
            f"git {' '.join(arguments[:2])}: {said[0] if said else 'failed'}; a shallow clone "
            "lacks old commits (fetch-depth: 0)"
        )
    return os.fsdecode(done.stdout)
