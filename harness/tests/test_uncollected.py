"""What cannot be collected is said, where and whose mistake it is, and by what it is found."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest


def test_what_cannot_be_collected_is_named_in_the_report(project):
    project.test_file("def test_it(backend): pass")
    project.test_file("import nomodule_here", name="test_other.py")

    result = project.cli("run", "-b", "local")

    assert result.ret == 2
    for name in ("index.html", "report.json", "junit.xml"):
        told = (project.path / "report" / name).read_text()
        assert "test_other.py could not be collected" in told
        assert "nomodule_here" in told


@pytest.mark.parametrize(
    "mistake", ['needs("foraech")', 'backends("lcoal")', "needs()"], ids=["need", "backend", "none"]
)
@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "xdist"])
def test_a_mistake_in_a_test_is_a_usage_error_without_frames(project, mistake, workers):
    project.test_file(f"""
        import pytest

        @pytest.mark.{mistake}
        def test_it(backend): pass
    """)

    result = project.run(*workers)

    assert result.ret == 4
    assert "_callers.py" not in result.stdout.str()
    assert "collection.py" not in result.stdout.str()


def test_tests_of_a_backend_are_collected_without_metaflow():
    """It reads its settings when it is imported, and those of a backend come later."""
    program = (
        "import pathlib, pytest, sys\n"
        "asked = ['--collect-only', '-q', '-m', sys.argv[1], '--metaflow-backend', sys.argv[1]]\n"
        "code = pytest.main(['-p', 'no:cacheprovider', *asked])\n"
        "sys.exit(f'pytest ended with {code}' if code else 'metaflow' in sys.modules)\n"
    )
    root = pathlib.Path(__file__).parents[2]

    done = [
        subprocess.run([sys.executable, "-c", program, name], cwd=root, timeout=100, check=False)
        for name in ("nomad",)
    ]

    assert [one.returncode for one in done] == [0]
