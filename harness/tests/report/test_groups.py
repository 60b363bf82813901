"""Failures are read from the top: the most frequent first, of equals in the order of the tests."""

from __future__ import annotations


def test_groups_of_one_size_are_in_the_order_of_their_first_tests(report_of, lines):
    prints = {"a": "f3", "b": "f2", "c": "f1", "d": "f0", "e": "f0"}
    failed = {
        name: lines.result(name, "failed", attempts=[lines.attempt(fingerprint=fingerprint)])
        for name, fingerprint in prints.items()
    }

    report = report_of([lines.session(), lines.plan(*failed), *failed.values(), lines.finish(1)])

    tests = [[detail.key for detail in group.details] for group in report.groups]
    assert tests == [[lines.key(n) for n in names] for names in ("de", "a", "b", "c")]
