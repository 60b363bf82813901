"""A pull request from its commit to its check runs: the workflow files of this repository, run.

`act` runs them on this very machine. What a runner of GitHub brings and is not ours is replaced:
the four actions by folders that copy files, and `make install` by a link to this environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from strict_github.archives import zipped
from strict_github.serving import serving

WORKFLOWS = Path(__file__).resolve().parents[3] / ".github/workflows"
USED = re.compile(r"uses: (actions/[\w-]+)@([0-9a-f]{40})")
RUN_ID, TIMEOUT = 7, 280
MAKEFILE = """
install:
\t@test "$$COLUMN" != remote
\t@ln -sfn {environment} .venv
lint docs:
units: install
\t@.venv/bin/python -m pytest -q -p no:cacheprovider --metaflow-records report/records \\
\t  $(or $(TESTS),units)
"""
ACTIONS = {
    # Without a ref `act` has put a copy of the tree there; with one, nothing.
    "actions/checkout": (
        'test -z "$REF" || (git init -q && git fetch -q "$SOURCE" "$REF" && '
        "git checkout -q FETCH_HEAD)"
    ),
    "actions/cache": "true",
    "actions/upload-artifact": (
        'test -e "$FROM" && rm -rf "$ARTIFACTS/$NAME" && mkdir -p "$ARTIFACTS/$NAME" && '
        'if [ -d "$FROM" ]; then cp -r "$FROM/." "$ARTIFACTS/$NAME"; '
        'else cp "$FROM" "$ARTIFACTS/$NAME"; fi'
    ),
    "actions/download-artifact": 'mkdir -p "$FROM" && cp -r "$ARTIFACTS/." "$FROM"',
}
ACTION = """
name: stand-in
inputs: {{name: {{}}, path: {{}}, key: {{}}, restore-keys: {{}}, if-no-files-found: {{}},
  overwrite: {{}}, persist-credentials: {{}}, fetch-depth: {{}}, ref: {{}}, github-token: {{}},
  run-id: {{}}}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {{FROM: "${{{{ inputs.path }}}}", NAME: "${{{{ inputs.name }}}}",
        REF: "${{{{ inputs.ref }}}}"}}
      run: {command}
"""


@dataclass
class Scripted:
    """One repository with a pull request; `ci` and `report` run the workflows on it."""

    folder: Path
    server: object
    files: dict[str, str]  # of the base commit
    changed: dict[str, str]  # by the pull request
    fork: bool = False
    labels: tuple[str, ...] = ()
    event: str = "pull_request"  # or merge_group: the queue tests it before it lands
    ended: int = 0  # how ci.yml ended last
    said: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.tree, self.artifacts = self.folder / "tree", self.folder / "artifacts"
        self.artifacts.mkdir(parents=True)
        self._write({".gitignore": ".venv\nreport\nselection.json\nartifacts\n", **self.files})
        self._write({"Makefile": MAKEFILE.format(environment=sys.prefix)})
        shutil.copytree(WORKFLOWS, self.tree / ".github/workflows")
        self._git("init", "-q", "-b", "main")
        self.base = self._commit()
        self._write(self.changed)
        self.head = self._commit()
        for name, command in ACTIONS.items():
            action = self.folder / name / "action.yml"
            action.parent.mkdir(parents=True)
            action.write_text(ACTION.format(command=json.dumps(command)))

    def ci(self, attempt=1) -> int:
        """Run ci.yml as GitHub does for a pull request, or for the merge queue."""
        pull = {
            "head": {"sha": self.head, "repo": self._head_repository(), "label": self._branch()},
            "base": {"sha": self.base, "repo": {"full_name": "o/r"}},
            "labels": [{"name": name} for name in self.labels],
        }
        self.server.pulls = [{"number": 5, **pull}]
        self.server.files = [{"filename": name} for name in self.changed]
        queued = {"head_sha": self.head, "base_sha": self.base}
        payload = {
            "pull_request": {"number": 5, "pull_request": pull},
            "merge_group": {"action": "checks_requested", "merge_group": queued},
        }[self.event]
        self.ended = self._act("ci.yml", self.event, payload, attempt)
        return self.ended

    def report(self, attempt=1) -> int:
        """Run report.yml as GitHub does when ci has ended, with what it uploaded."""
        for path in self.tree.rglob("*"):
            if path.is_file() and ".git" not in path.parts and ".venv" not in path.parts:
                name = path.relative_to(self.tree).as_posix()
                self.server.contents[self.head, name] = path.read_bytes()
        self.server.artifacts = {
            number: (folder.name, zipped(*_files(folder)))
            for number, folder in enumerate(sorted(self.artifacts.iterdir()), 1)
        }
        run = {
            "id": RUN_ID,
            "run_attempt": attempt,
            "head_sha": self.head,
            "html_url": f"https://github.com/o/r/actions/runs/{RUN_ID}",
            "repository": {"full_name": "o/r"},
            "head_repository": self._head_repository(),
            "head_branch": "fix",
            "path": ".github/workflows/ci.yml",
            "event": self.event,
            "conclusion": "failure" if self.ended else "success",
            "pull_requests": [],
        }
        return self._act("report.yml", "workflow_run", {"workflow_run": run}, attempt)

    def _branch(self):
        return f"{self._head_repository()['full_name'].partition('/')[0]}:fix"

    def _head_repository(self):
        return {"full_name": "someone/r" if self.fork else "o/r"}

    def _act(self, workflow: str, event: str, payload: dict, attempt: int) -> int:
        self.server.attempt = attempt
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload))
        pinned = set(USED.findall("".join(p.read_text() for p in WORKFLOWS.glob("*.yml"))))
        with serving(self.server) as address:
            variables = {
                "ARTIFACTS": self.artifacts,
                "GITHUB_API_URL": address,
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_RUN_ATTEMPT": attempt,
                "GITHUB_RUN_ID": RUN_ID,
                "SOURCE": self.tree,
            }
            command = [
                str(Path(sys.executable).with_name("act")),
                event,
                f"--workflows=.github/workflows/{workflow}",
                f"--eventpath={path}",
                "--platform=ubuntu-latest=-self-hosted",
                f"--secret=GITHUB_TOKEN={self.server.token}",
                *(f"--local-repository={n}@{sha}={self.folder / n}" for n, sha in pinned),
                *(f"--env={name}={value}" for name, value in variables.items()),
            ]
            done = subprocess.run(
                command,
                cwd=self.tree,
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        self.said.append(done.stdout + done.stderr)
        return done.returncode

    def _environment(self) -> dict[str, str]:
        """Give what a fresh runner has; `act` keeps its files where it is told to."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        home = {"HOME": str(self.folder / "home"), "XDG_CACHE_HOME": str(self.folder / "cache")}
        return {**kept, **home}

    def _write(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def _commit(self) -> str:
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "x")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def _files(folder: Path):
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()
