"""A backend may say why a run failed of which no task could tell."""

from __future__ import annotations

import pytest
from metaflow_backends.errors import BackendError
from metaflow_backends.fake import Fake
from metaflow_backends.protocol import Running
from pytest_metaflow_backends.lifecycle import Active


class Knows(Fake):
    def explain(self, running, run_id):
        del running
        return f"{run_id} ended with 2"


class CannotAsk(Fake):
    def explain(self, running, run_id):
        raise BackendError("https://127.0.0.1:1 does not answer")


@pytest.mark.parametrize(
    ("backend", "run_id", "expected"),
    [
        (Knows(), "argo-x", "argo-x ended with 2"),
        (Knows(), None, ""),
        (Fake(), "argo-x", ""),
        (CannotAsk(), "7", "fake cannot say why: https://127.0.0.1:1 does not answer"),
    ],
)
def test_what_the_backend_knows_is_told_and_nothing_is_raised(column, backend, run_id, expected):
    active = Active(column(), Running(), backend)

    actual = active.explain(run_id)

    assert actual == expected
