"""The file trees of images, made of Debian's packages and PyPI's wheels."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.commands import run
from metaflow_backends.host.packages import cure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUITE = "bookworm"
PYTHON = "3.11"  # of that suite
# Beside Python: what Metaflow's own bootstrap calls in a task is part of every Debian.
PACKAGES = ("python3", "ca-certificates", "procps")
WHEELS = (
    "boto3",
    "requests",
    "numpy",
    "pandas",
    "python-dateutil<3",
)  # 3 makes pip go back for long
SITE = Path("usr/local/lib") / f"python{PYTHON}" / "dist-packages"
TIMEOUT = 1200.0  # seconds
NOT_NEEDED = (
    "var/cache/apt/*", "var/cache/debconf/*", "var/lib/apt/lists/*", "var/log/*", "debootstrap",
    "usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "etc/machine-id",
    "etc/resolv.conf", "etc/hostname", "var/lib/dpkg/*-old", "etc/*-", "run/*", "tmp/*", "dev/*",
    "var/cache/ldconfig/aux-cache",
)  # fmt: skip


def make_root(root: Path, included: Sequence[str], left_out: Sequence[str] = ()) -> None:
    """Install a small Debian with the packages `included` into an empty folder.

    Files that match a pattern of `left_out` are taken away again.

    Raises BackendError if debootstrap fails, or if no mirror is named by this machine's apt.
    """
    if shutil.which("debootstrap") is None:
        raise BackendError(f"there is no debootstrap: {cure(['debootstrap'])}")
    packages = ",".join(included)
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(root)]
    run([*command, mirror()], timeout=TIMEOUT, env=clean.whole())
    if (root / "usr/bin/python3").exists():
        _compile(root, "/usr/lib/python3", f"/usr/lib/python{PYTHON}")
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    remove(root, (*NOT_NEEDED, *left_out))


def add_wheels(root: Path, delta: Path) -> None:
    """Install what tasks import into `delta`, to lie over `root`; pip need not run in there."""
    site = delta / SITE
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-input"]
    for_root = ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    run(
        [*pip, *for_root, "--disable-pip-version-check", "--target", str(site), *WHEELS],
        timeout=TIMEOUT,
    )
    for tests in [*site.glob("*/tests"), *site.glob("numpy/*/tests")]:
        shutil.rmtree(tests)
    _compile_outside(root, site)


def mirror() -> str:
    """Name the mirror that this machine's apt uses for the suite's packages."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    texts = (path.read_text(errors="replace") for path in files if path.is_file())
    found = next((uri for text in texts for uri in mirrors(text)), None)
    if found is None:
        raise BackendError("no mirror of Debian is named in /etc/apt/sources.list or .list.d")
    return found


def mirrors(text: str) -> Iterable[str]:
    """Find the mirrors in a file of apt, of either format; those of security updates are none.

    >>> list(mirrors("deb [signed-by=/k] http://a/debian bookworm main"))
    ['http://a/debian']
    """
    plain = re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s", text, re.MULTILINE)
    stanzas = re.findall(r"^URIs:\s*(\S+)", text, re.MULTILINE)
    return [uri for uri in (*plain, *stanzas) if "security" not in uri]


def remove(root: Path, patterns: Iterable[str]) -> None:
    """Delete what changes from day to day or is not needed."""
    for path in [path for pattern in patterns for path in root.glob(pattern)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


# Byte code that is valid whatever the time of its source: without it each task compiles anew.
_COMPILE = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")


def _compile(root: Path, *folders: str) -> None:
    there = [folder for folder in folders if (root / folder.lstrip("/")).is_dir()]
    run(["chroot", str(root), "python3", *_COMPILE, *there], timeout=TIMEOUT, env=clean.whole())


def _compile_outside(root: Path, site: Path) -> None:
    """Compile a folder with the root's own Python, under the name it will have in the image."""
    inside = root / SITE
    inside.mkdir(parents=True, exist_ok=True)
    run(["mount", "--bind", str(site), str(inside)], timeout=30)
    try:
        _compile(root, f"/{SITE}")
    finally:
        run(["umount", str(inside)], timeout=30)
