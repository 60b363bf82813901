"""Install all distributions of the tree, editable, with their tools. Standard library only.

Usage: environment.py [FOLDER]: into a virtual environment in FOLDER, which is made if need be, or
into the one that runs this. Quiet but for a line per step; if pip cannot go on, one line says why
instead of its pages. Nothing is done if no pyproject.toml has changed since.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "installed"  # in the environment, newer than what it was made from
PIP = "pip>=25.1"  # the first that installs dependency groups
CANNOT_GO_ON = 4
TOML = "pyproject.toml"


def distributions(root: Path) -> list[Path]:
    """Find all distributions of a tree: the root's, which is none, first."""
    return [root, *sorted(p.parent for d in ("*", "features/*") for p in root.glob(f"{d}/{TOML}"))]


def fresh(stamp: Path, root: Path) -> bool:
    """Tell if everything is installed as the tree wants it now."""
    sources = [Path(__file__), *(folder / TOML for folder in distributions(root))]
    return stamp.is_file() and all(
        source.stat().st_mtime <= stamp.stat().st_mtime for source in sources
    )


def steps(python: Path, root: Path) -> dict[str, list[str]]:
    """Name the calls of pip: itself first, then all of the tree with what contributors need."""
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    folders = distributions(root)
    editable = [part for folder in folders for part in ("-e", str(folder))]
    group = ["--group", f"{root / TOML}:dev"]
    return {
        # Small and first, so that an index that does not answer shows within a minute.
        "pip": [*pip, "--timeout", "15", "--retries", "2", "--upgrade", PIP],
        f"{len(folders)} distributions and their tools, about a minute": [*pip, *group, *editable],
    }


def reason(said: str) -> str:
    """Make one line of what pip wrote."""
    if "Retrying (" in said or "(from versions: none)" in said:
        return "pip cannot reach a package index: is there a network, or a setting like PIP_PROXY?"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error:", "fatal:"))]
    return "pip: " + (errors or lines or ["it failed without a word"])[-1]


def works(python: Path) -> bool:
    """Tell if an environment is there and whole: creating it may have been interrupted."""
    try:
        done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def step(name: str, command: list[str]) -> None:
    """Run one command between two progress lines; end the program if it fails."""
    print(f"installing {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        print(f"cannot go on: {reason(done.stderr + done.stdout)}", file=sys.stderr)
        sys.exit(CANNOT_GO_ON)
    print(f"installed after {time.monotonic() - began:.0f} s", flush=True)


def main(folder: Path, root: Path = ROOT) -> None:
    python, stamp = folder / "bin" / "python", folder / STAMP
    if fresh(stamp, root) and works(python):
        return
    if not works(python):
        command = [sys.executable, "-m", "venv", "--clear", str(folder)]
        step(f"a virtual environment in {folder}", command)
    for name, command in steps(python, root).items():
        step(name, command)
    stamp.touch()


if __name__ == "__main__":
    if len(sys.argv) > 2:  # noqa: PLR2004
        sys.exit("usage: environment.py [FOLDER]")
    main(Path(sys.argv[1] if sys.argv[1:] else sys.prefix))
