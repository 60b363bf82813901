"""A backend that dies under its tests."""

from __future__ import annotations


def test_after_two_deaths_the_others_are_told_of_what_it_died(project):
    project.matrix(
        "version: 1\nbackends: {fake: {kind: fake, required: true, options: {dies_after: 1}}}"
    )
    project.test_file(
        "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_it(backend, n): pass"
    )

    result, _ = project.record("-p", "no:rerunfailures")
    reasons = {line["skip_reason"] for line in project.results().values() if "skip_reason" in line}

    assert result.ret == 10
    assert len(reasons) == 1
    (reason,) = reasons
    assert "failed 2 times in this run, the last time: fake no longer answers" in reason
