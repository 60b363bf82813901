"""The examples of the documents, file by file as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pytest_metaflow_backends.matrix.load import load

ROOT = Path(__file__).resolve().parents[2]
FILE = re.compile(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", re.DOTALL)
YAML = re.compile(r"```yaml\n(version: 1\n.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("README.md", {"matrix.yaml", "train.py", "test_train.py"}),
        ("docs/tour.md", {"matrix.yaml", "hello.py", "test_hello.py"}),
    ],
)
def test_the_example_of_a_document_is_green(project, document, names):
    files = dict(FILE.findall((ROOT / document).read_text(encoding="utf-8")))
    for name, text in files.items():
        (project.path / name).write_text(text, encoding="utf-8")

    result = project.run()

    assert set(files) == names
    assert result.ret == 0
    result.assert_outcomes(passed=1)


def test_the_matrix_of_the_reference_can_be_loaded(tmp_path):
    (text,) = YAML.findall((ROOT / "docs/reference/matrix.md").read_text(encoding="utf-8"))
    (tmp_path / "matrix.yaml").write_text(text, encoding="utf-8")

    matrix = load(tmp_path / "matrix.yaml")

    assert [column.name for column in matrix.columns] == ["local", "local/serial", "k8s", "argo"]


def test_the_backend_of_the_document_runs_flows(project, monkeypatch):
    files = dict(FILE.findall((ROOT / "docs/adding-a-backend.md").read_text(encoding="utf-8")))
    files |= dict(FILE.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    for name, text in files.items():
        (project.path / name).write_text(text, encoding="utf-8")
    installed = project.path / "metaflow_moon-0.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: metaflow-moon\nVersion: 0.1\n"
    )
    (installed / "entry_points.txt").write_text("[metaflow_backends]\nmoon = metaflow_moon:Moon\n")
    monkeypatch.setenv("PYTHONPATH", str(project.path))
    monkeypatch.delenv("METAFLOW_USER", raising=False)
    project.matrix("version: 1\nbackends: {moon: {kind: moon, required: true}}")

    result = project.run()

    assert result.ret == 0
    result.assert_outcomes(passed=1)
