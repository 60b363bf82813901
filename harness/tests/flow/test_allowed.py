"""Who may differ where: entries of the reviewed list."""

from __future__ import annotations

import time

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


@pytest.mark.parametrize(
    ("pattern", "field", "expected"),
    [
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a/b", "a", False),
        ("a/*/c", "a/b/c/d", True),
        ("a/*/c", "a/c", False),
        ("a/x*", "a/xyz", True),
        ("**", "a", True),
        ("**/c", "c", True),
        ("**/c", "a/b/c/d", True),
        ("**/c", "a/b", False),
        ("a/**/c", "a/c", True),
        ("a/**/c/**/e", "a/b/c/d/e", True),
        ("a/**/c/**/e", "a/e/c", False),
    ],
)
def test_a_pattern_covers_what_it_names_and_all_below(pattern, field, expected):
    assert Entry(field=pattern, reason="").covers("t", field) is expected


def test_many_stars_cost_no_more_than_one_each():
    """The list comes with the commit that is tested: a pull request may write what it likes."""
    pattern = "/".join(["**", "a"] * 40 + ["no"])
    entry = Entry(field=pattern, reason="")
    parts = 200
    started = time.process_time()

    assert not entry.covers("t", "/".join(["a"] * parts))
    assert time.process_time() - started < 2
