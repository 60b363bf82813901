"""GitHub as far as check runs, jobs, changed files and artifacts go; a function of requests."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import jsonschema

from strict_github import octokit, rules

if TYPE_CHECKING:
    from collections.abc import Callable

PER_PAGE, PAGE_LIMIT = 30, 100
MEGABYTE = 1 << 20  # bytes of a file that is sent whole


@dataclass
class StrictGitHub:
    """One repository. `requests` are those that came, `faults` happen to those that come next."""

    repository: str = "o/r"
    token: str = "token"
    runs: dict[int, dict] = field(default_factory=dict)  # check runs by id
    notes: dict[int, list[dict]] = field(default_factory=dict)
    run: int = 7  # that `jobs` and `artifacts` belong to
    attempt: int = 1  # that `jobs` belong to
    attempts: dict[tuple[int, int], dict] = field(default_factory=dict)  # by run and attempt
    jobs: list[dict] = field(default_factory=list)
    pulls: list[dict] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)  # changed ones, of every pull request
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)  # (commit, path)
    artifacts: dict[int, tuple[str, bytes]] = field(default_factory=dict)  # id -> name, zip
    requests: list[tuple[str, str]] = field(default_factory=list)  # method, path
    refused: list[str] = field(default_factory=list)  # rules that a request broke
    times: list[float] = field(default_factory=list)  # of writes, by `now`
    faults: deque[Callable] = field(default_factory=deque)
    now: Callable[[], float] = lambda: 0.0

    def __post_init__(self):
        self.calls = octokit.calls()
        self._validators = {
            call: jsonschema.Draft202012Validator(_schema(operation))
            for call, operation in self.calls.items()
            if "requestBody" in operation
        }

    @property
    def writes(self) -> int:
        return sum(method != "GET" for method, _ in self.requests)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, after the next fault has had its way with it."""
        path = request.url.path.removeprefix(f"/repos/{self.repository}")
        self.requests.append((request.method, path))
        if request.method != "GET":
            self.times.append(self.now())
        if self.faults:
            return self.faults.popleft()(lambda: self.answer(request, path), self.now())
        return self.answer(request, path)

    def answer(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "Bad credentials")
        for method, template in self.calls:
            part = ".+" if template.startswith("/contents/") else "[^/]+"
            pattern = re.sub(r"\{(\w+)\}", rf"(?P<\1>{part})", template)
            found = re.fullmatch(pattern, path)
            if found and method == request.method.lower():
                return self._call(method, template, found.groupdict(), request)
        return _error(404, "Not Found")

    def _call(self, method, template, names, request):
        if method == "get":
            wrong = rules.unknown_queries(request.url.params, self.calls[method, template])
            self.refused += wrong
            return _error(422, wrong[0]) if wrong else self._get(template, names, request)
        body = json.loads(request.content)
        wrong = [error.message for error in self._validators[method, template].iter_errors(body)]
        if not wrong:
            creates = method == "post"
            schema = self._validators[method, template].schema
            wrong = rules.broken(body, schema, creates=creates)
        if wrong:
            self.refused += wrong
            return _error(422, "; ".join(wrong)[:2_000])
        number = int(names.get("check_run_id", 0)) or len(self.runs) + 101
        if method == "patch" and number not in self.runs:
            return _error(404, "Not Found")
        self._keep(number, body)
        return httpx.Response(201 if method == "post" else 200, json=self._run(number))

    def _keep(self, number: int, body: dict) -> None:
        output = dict(body.get("output", {}))
        self.notes.setdefault(number, []).extend(output.pop("annotations", None) or [])
        before = self.runs.get(number, {"output": {}})
        merged = {**before, **body, "output": {**before["output"], **output}}
        self.runs[number] = merged

    def _run(self, number: int) -> dict:
        run = self.runs[number]
        counted = {"annotations_count": len(self.notes[number])}
        url = f"https://github.com/{self.repository}/runs/{number}"
        return {**run, "id": number, "html_url": url, "output": {**run["output"], **counted}}

    def _get(self, template, names, request):
        if template == "/actions/artifacts/{artifact_id}/{archive_format}":
            known = self.artifacts.get(int(names["artifact_id"]))
            return httpx.Response(200, content=known[1]) if known else _error(404, "Not Found")
        if template.endswith("/attempts/{attempt_number}"):
            known = self.attempts.get((int(names["run_id"]), int(names["attempt_number"])))
            return httpx.Response(200, json=known) if known else _error(404, "Not Found")
        if template == "/contents/{path}":
            known = self.contents.get((request.url.params.get("ref"), names["path"]))
            if known is None:
                return _error(404, "Not Found")
            return httpx.Response(200, json=_file(known))
        return self._page_of(template, names, request)

    def _page_of(self, template, names, request):
        there = {
            "run_id": {str(self.run)},
            "attempt_number": {str(self.attempt)},
            "pull_number": {str(pull["number"]) for pull in self.pulls},
        }
        if any(names[key] not in known for key, known in there.items() if key in names):
            return _error(404, "Not Found")
        return _page(request, *self._list(template, names, request))

    def _list(self, template, names, request):
        """Give the entries of a list, and the name they have in the answer."""
        if template == "/commits/{ref}/check-runs":
            runs = [self._run(n) for n, run in self.runs.items() if run["head_sha"] == names["ref"]]
            return self._filtered(runs, request), "check_runs"
        if template.endswith("/annotations"):
            return self.notes.get(int(names["check_run_id"]), []), ""
        if template.endswith("/jobs"):
            return self.jobs, "jobs"
        if template.endswith("/artifacts"):
            return [self._artifact(number) for number in self.artifacts], "artifacts"
        return (self.files if template.endswith("/files") else self._opened(request)), ""

    def _opened(self, request):
        """List the pull requests that come from a branch, `owner:branch`: by default open ones."""
        asked, state = request.url.params.get("head"), request.url.params.get("state", "open")
        return [
            pull
            for pull in self.pulls
            if asked in {None, pull["head"]["label"]}
            and state in {"all", pull.get("state", "open")}
        ]

    def _artifact(self, number: int) -> dict:
        name, content = self.artifacts[number]
        return {"id": number, "name": name, "size_in_bytes": len(content), "expired": False}

    def _filtered(self, runs, request):
        """By default GitHub lists only the newest run of each name."""
        if request.url.params.get("filter", "latest") == "all":
            return runs
        return list({run["name"]: run for run in runs}.values())

    def state(self) -> list[tuple]:
        """Give what a person sees of all check runs, to be compared."""
        return [
            (n, run["name"], run["conclusion"], run["output"], _counted(self.notes[n]))
            for n, run in self.runs.items()
        ]


def _counted(notes: list[dict]) -> Counter:
    return Counter(json.dumps(note, sort_keys=True) for note in notes)


def _schema(operation: dict) -> dict:
    return operation["requestBody"]["content"]["application/json"]["schema"]


def _page(request, entries, key=""):
    size = min(int(request.url.params.get("per_page", PER_PAGE)), PAGE_LIMIT)
    number = int(request.url.params.get("page", 1))
    shown = entries[(number - 1) * size : number * size]
    answer = {"total_count": len(entries), key: shown} if key else shown
    return httpx.Response(200, json=answer)


def _file(content):
    """Give a file as GitHub does: one of more than 1 MB comes without what is in it."""
    told = {"type": "file", "size": len(content)}
    if len(content) > MEGABYTE:
        return {**told, "encoding": "none", "content": ""}
    return {**told, "encoding": "base64", "content": base64.b64encode(content).decode()}


def _error(status: int, message: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message}, headers=headers)
