"""The schemas of the few calls that are used, out of GitHub's own description of its API.

It is cut out of the npm package @octokit/openapi when it is first needed, and kept in the user's
cache folder; nothing of it is in this repository.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from filelock import FileLock
from metaflow_backends import cache

VERSION = "23.0.2"
SHA512 = (
    "a55f0cecbf46636dc0c9b36f4e6a369f28e6a669edebedac444fedaabd192d07"
    "0f4b8967c3bbb979918d9b044d9010b70fb8195db171e401f32d455105718386"
)
DESCRIPTION = "package/generated/api.github.com.deref.json"
REPOSITORY = "/repos/{owner}/{repo}"
CALLS = (
    ("post", "/check-runs"),
    ("patch", "/check-runs/{check_run_id}"),
    ("get", "/check-runs/{check_run_id}/annotations"),
    ("get", "/commits/{ref}/check-runs"),
    ("get", "/actions/runs/{run_id}/attempts/{attempt_number}"),
    ("get", "/actions/runs/{run_id}/attempts/{attempt_number}/jobs"),
    ("get", "/actions/runs/{run_id}/artifacts"),
    ("get", "/actions/artifacts/{artifact_id}/{archive_format}"),
    ("get", "/pulls"),
    ("get", "/pulls/{pull_number}/files"),
    ("get", "/contents/{path}"),
)
TIMEOUT = 300  # seconds for 28 MB
# Named now: a test may have another home, and an empty one would have it fetched again.
CUT_OUT = cache.root() / "github-api" / f"octokit-openapi-{VERSION}-{cache.digest(*CALLS)}.json"


@functools.cache
def calls() -> dict[tuple[str, str], dict]:
    """Give the operation objects of OpenAPI by method and path below a repository."""
    path = CUT_OUT
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            half = path.with_suffix(".half")
            half.write_text(json.dumps(_cut_out()), encoding="utf-8")
            half.replace(path)
    described = json.loads(path.read_text("utf-8"))
    return {(method, name): described[name][method] for method, name in CALLS}


def _cut_out() -> dict[str, dict]:
    if not shutil.which("npm"):
        raise RuntimeError("npm is missing, which GitHub's description of its API comes through")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", f"@octokit/openapi@{VERSION}"],
            cwd=folder,
            check=True,
            timeout=TIMEOUT,
            stdout=subprocess.DEVNULL,
        )
        package = next(Path(folder).glob("*.tgz"))
        found = hashlib.sha512(package.read_bytes()).hexdigest()
        if found != SHA512:
            raise RuntimeError(f"@octokit/openapi {VERSION} is not what it was: sha512 {found}")
        with tarfile.open(package) as tar:
            paths = json.load(tar.extractfile(DESCRIPTION))["paths"]
    return {name: paths[REPOSITORY + name] for _, name in CALLS}
