"""Who may differ where: entries of the reviewed list."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.flow.allowed import Entry


@pytest.mark.parametrize(
    ("columns", "column", "expected"),
    [
        ((), "local", True),
        (("argo",), "argo", True),
        (("argo",), "argo/kind", True),
        (("argo/kind",), "argo", False),
        (("argo/kind",), "argo/kind", True),
        (("k8s",), "argo", False),
        (("k8s*",), "k8s/kind", True),
    ],
)
def test_a_backend_means_all_its_variants_and_a_variant_only_itself(columns, column, expected):
    entry = Entry(field="tags", reason="they are ordered otherwise", columns=columns)

    actual = entry.excuses(column)

    assert expected == actual
