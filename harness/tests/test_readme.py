"""The README's example, file by file as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
FILE = re.compile(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", re.DOTALL)


def test_the_example_of_the_readme_is_green(project):
    files = dict(FILE.findall(README.read_text(encoding="utf-8")))
    for name, text in files.items():
        (project.path / name).write_text(text, encoding="utf-8")

    result = project.run()

    assert set(files) == {"matrix.yaml", "train.py", "test_train.py"}
    assert result.ret == 0
    result.assert_outcomes(passed=1)
