"""`mf-backends select` as a person types it, and in a job of GitHub."""

from __future__ import annotations

import json
import subprocess

import pytest

MATRIX = """
version: 1
backends:
  fake: {kind: fake, variants: {other: {}}}
  local: {kind: local, default: false, required: [ci]}
select:
  always: [matrix.yaml]
  rules:
    - {paths: ["docs/**"], backends: [], tests: [tests/test_docs.py]}
    - {paths: ["src/**"], backends: [fake/other]}
"""


@pytest.fixture
def repository(project, command, monkeypatch):
    """A project under git whose only commit is `base`."""
    for name in ("GITHUB_OUTPUT", "GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    project.matrix(MATRIX)
    write(project, "tests/test_docs.py")
    git(project, "init", "-q", "-b", "main")
    commit(project)
    git(project, "tag", "base")
    project.select = lambda *arguments: command("select", *arguments)
    return project


def write(project, name, text="x\n"):
    path = project.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def git(project, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=project.path, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(project):
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "x")


def selected(project, *arguments):
    result = project.select("--json", *arguments)
    assert result.ret == 0, result.err
    return json.loads(result.out)


def test_what_was_committed_since_the_base_is_looked_at(repository):
    write(repository, "docs/a.md")
    commit(repository)

    result = repository.select("--base", "base")

    assert result.ret == 0
    assert result.out.splitlines() == [
        "columns: none",
        "tests: tests/test_docs.py",
        "  docs/a.md: select.rules[0] has docs/**",
    ]


def test_files_that_are_not_committed_count_too(repository):
    write(repository, "src/new.py")

    assert selected(repository, "--base", "base")["columns"] == ["fake/other"]


def test_both_names_of_a_moved_file_count(repository):
    write(repository, "src/a.py", "a line\n" * 20)
    commit(repository)
    git(repository, "tag", "-f", "base")
    (repository.path / "docs").mkdir()
    git(repository, "mv", "src/a.py", "docs/a.py")
    commit(repository)

    assert selected(repository, "--base", "base")["columns"] == ["fake/other"]


def test_what_others_committed_meanwhile_does_not_count(repository):
    git(repository, "checkout", "-q", "-b", "work")
    write(repository, "docs/a.md")
    commit(repository)
    git(repository, "checkout", "-q", "main")
    write(repository, "unknown.cfg")
    commit(repository)
    git(repository, "checkout", "-q", "work")

    assert selected(repository, "--base", "main")["columns"] == []


def test_an_odd_name_is_taken_as_it_is(repository):
    write(repository, "docs/ä b\n.md")

    assert selected(repository, "--base", "base")["columns"] == []


def test_an_odd_name_is_no_command_to_a_runner(repository):
    write(repository, "docs/x\n::error::y")

    result = repository.select("--base", "base")

    assert result.ret == 0
    assert not any(line.strip().startswith("::") for line in result.out.splitlines())
    assert "docs/x\\n::error::y" in result.out


def test_paths_may_be_given_instead(repository):
    write(repository, "list", "docs/a.md\nnobody/knows.it\n")

    found = selected(repository, "--changed", "list", "--context", "ci")

    assert found["columns"] == ["fake", "local"]
    assert found["tests"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "nowhere"], "git merge-base nowhere: fatal: *fetch-depth: 0*"),
        (["--base=--output=x"], "*--base --output=x: not a commit"),
        ([], "*nothing says what has changed: --base COMMIT, or --changed FILE"),
        (["--base", "base", "--changed", "list"], "*give one of them"),
        (["--changed", "gone"], "*--changed gone: No such file or directory"),
        (["--base", "base", "--label", "backend:nomda"], "*no backend 'nomda'*"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_4(repository, arguments, said):
    write(repository, "docs/a.md")

    result = repository.select(*arguments)

    assert result.ret == 4
    assert len(result.err.splitlines()) == 1
    result.stderr.fnmatch_lines([said if said.startswith("*") else f"*{said}"])


def test_tests_that_are_gone_are_a_mistake_and_not_nothing(repository):
    (repository.path / "tests/test_docs.py").unlink()
    write(repository, "docs/a.md")
    write(repository, "list", "docs/a.md\n")

    result = repository.select("--changed", "list")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*there are no tests tests/test_docs.py below *"])


def in_a_job(repository, monkeypatch, name, payload, *arguments):
    write(repository, "event.json", json.dumps(payload))
    git(repository, "update-index", "-q", "--refresh")
    output = repository.path.parent / "github-output"
    output.unlink(missing_ok=True)
    for variable, value in {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(repository.path / "event.json"),
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_SHA": git(repository, "rev-parse", "HEAD"),
        "GITHUB_RUN_ID": "7",
        "GITHUB_OUTPUT": str(output),
    }.items():
        monkeypatch.setenv(variable, value)
    result = repository.select("-o", "../selection.json", *arguments)
    assert result.ret == 0, result.err
    return dict(line.split("=", 1) for line in output.read_text().splitlines())


def pull_request(repository, *labels):
    head, base = (git(repository, "rev-parse", name) for name in ("HEAD", "base"))
    pull = {"head": {"sha": head}, "base": {"sha": base}, "labels": [{"name": n} for n in labels]}
    return {"number": 5, "pull_request": pull}


@pytest.fixture
def changed_docs(repository):
    write(repository, ".gitignore", "event.json\n")
    commit(repository)
    git(repository, "tag", "-f", "base")
    write(repository, "docs/a.md")
    commit(repository)
    return repository


def test_a_job_of_a_pull_request_gets_its_outputs(changed_docs, monkeypatch):
    outputs = in_a_job(
        changed_docs, monkeypatch, "pull_request", pull_request(changed_docs, "backend:fake/other")
    )

    assert outputs["columns"] == "fake/other"
    assert outputs["any"] == "true"
    assert json.loads(outputs["matrix"]) == {
        "include": [{"column": "fake/other", "artifact": "fake+other"}]
    }
    written = json.loads((changed_docs.path.parent / "selection.json").read_text())
    assert written["columns"] == ["fake/other"]


def test_labels_count_also_where_the_paths_are_given(changed_docs, monkeypatch):
    write(changed_docs, "../list", "docs/a.md\n")

    outputs = in_a_job(
        changed_docs,
        monkeypatch,
        "pull_request",
        pull_request(changed_docs, "backend:fake/other"),
        "--changed",
        "../list",
    )

    assert outputs["columns"] == "fake/other"


def test_a_change_that_needs_no_backend_says_so(changed_docs, monkeypatch):
    outputs = in_a_job(changed_docs, monkeypatch, "pull_request", pull_request(changed_docs))

    assert (outputs["columns"], outputs["any"]) == ("", "false")
    assert outputs["tests"] == "tests/test_docs.py"


@pytest.mark.parametrize(
    ("name", "payload"),
    [("push", {"before": "0" * 40}), ("schedule", {}),
     ("merge_group", {"merge_group": {"head_sha": "a" * 40, "base_sha": "b" * 40}})],
)  # fmt: skip
def test_what_lands_is_tested_whole(changed_docs, monkeypatch, name, payload):
    outputs = in_a_job(changed_docs, monkeypatch, name, payload)

    assert outputs["columns"] == "fake,local"
    assert outputs["tests"] == ""
