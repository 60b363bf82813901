"""What has the right shape and no meaning: the exact lines a person reads."""

from __future__ import annotations

import pytest

NO_DURATION = "is not a duration; write 90s, 10m, 1h30m or a number of seconds"
OF_PYTEST = "it is a marker of pytest or a plugin"
NOTHING_SEEN = "must not be empty, nor only white space or characters that are not seen"
NO_LENGTH = "is not a duration of more than 0 and at most a week"


def one(settings):
    """Give a matrix with one backend; its settings begin in column 20 of line 2."""
    return f"version: 1\nbackends: {{local: {{{settings}}}}}\n"


def top(text):
    """Give a matrix in which a text stands from line 4 on."""
    return f"version: 1\nbackends:\n  local: {{kind: local}}\n{text}\n"


def known(**changed):
    """Give a matrix with one known failure, on line 5."""
    entry = {"backend": "local", "test": "a", "reason": "r", "owner": "o", "until": "2027-02-01"}
    return top(f"expect_failures:\n- {render(entry | changed)}")


def render(entry):
    return "{" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}"


MEANINGS = {
    "unknown kind": (
        one("kind: locl"),
        ["2:26: kind: unknown kind 'locl', none such is installed; did you mean 'local'?"],
    ),
    "unknown capability": (
        one("kind: local, provides: [runner, forech]"),
        ["2:52: provides[1]: unknown capability 'forech'; did you mean 'foreach'?"],
    ),
    "unknown capability of a variant": (
        one("kind: local, variants: {a: {provides: [gup]}}"),
        ["2:59: provides[0]: unknown capability 'gup'; did you mean 'gpu'?"],
    ),
    "an expectation of an unknown backend": (
        known(backend="lcoal"),
        ["5:13: backend: unknown backend 'lcoal'; did you mean 'local'?"],
    ),
    "an owner of a blank": (known(owner='" "'), [f"5:47: owner: {NOTHING_SEEN}"]),
    "an owner that nobody sees": (
        known(owner='"\\u200b\\u3164\\u2800"'),
        [f"5:47: owner: {NOTHING_SEEN}"],
    ),
    "a reason of white space": (
        known(reason='"\\n\\t\\xa0\\xad"'),
        [f"5:37: reason: {NOTHING_SEEN}"],
    ),
    "an expectation of an unknown variant": (
        known(backend="local/x"),
        ["5:13: backend: unknown backend 'local/x'; did you mean 'local'?"],
    ),
    "a rule for an unknown backend": (
        top("select: {rules: [{paths: [a], backends: [local, lcoal]}]}"),
        ["4:49: backends[1]: unknown backend 'lcoal'; did you mean 'local'?"],
    ),
    "sharing what is no column": (
        top("  other: {kind: local, shares: locl}"),
        ["4:32: shares: no column is named 'locl'; did you mean 'local'?"],
    ),
    "sharing oneself": (
        one("kind: local, shares: local"),
        ["2:41: shares: 'local' is not started by itself"],
    ),
    "sharing a variant that shares": (
        top("  other: {kind: local, variants: {a: {shares: local}, b: {shares: other/a}}}"),
        ["4:67: shares: 'other/a' is not started by itself"],
    ),
    "sharing what only has variants": (
        top("    base: false\n    variants: {a: }\n  other: {kind: local, shares: local}").replace(
            "{kind: local}\n", "\n    kind: local\n", 1
        ),
        ["7:32: shares: no column is named 'local'; did you mean 'local/a'?"],
    ),
    "base false and no variant": (
        one("kind: local, base: false"),
        ["2:39: base: false needs at least one variant"],
    ),
    **{
        f"an expectation of {pattern}": (
            known(test=f"'{pattern}'"),
            [f"5:26: test: {pattern!r} matches every test; name the ones that are known to fail"],
        )
        for pattern in ("*", "**", "*::*", "*.py::test_*", "?*")
    },
    "the same expectation twice": (
        known() + "- {backend: local, test: a, reason: x, owner: y, until: 2027-02-02}\n",
        ["6:3: the same backend and test as in expect_failures[0]"],
    ),
    **{
        f"the marker {name}": (
            f"version: 1\nbackends: {{{name}: {{kind: local}}}}\n",
            [f"2:12: no backend can have the marker {name!r}: {OF_PYTEST}"],
        )
        for name in (
            "skip",
            "xfail",
            "parametrize",
            "timeout",
            "smoke",
            "slow",
            "faults",
            "needs",
            "backends",
            "flaky",
            "anyio",
        )
    },
    "a word of Python": (
        "version: 1\nbackends: {class: {kind: local}}\n",
        ["2:12: no backend can have the marker 'class': it is a word of Python"],
    ),
    "a marker that only the prefix makes": (
        "version: 1\nmarker_prefix: sl\nbackends: {ow: {kind: local}}\n",
        [f"3:12: no backend can have the marker 'slow': {OF_PYTEST}"],
    ),
    **{
        f"timeout {value!r}": (
            one(f"kind: local, timeout: {value}"),
            [f"2:42: timeout: {shown} {NO_DURATION}"],
        )
        for value, shown in {
            "10 min": "'10 min'",
            "'10'": "'10'",
            "1:30": "'1:30'",
            '"10m\\n"': "'10m\\n'",
            "1m1h": "'1m1h'",
            "-3s": "'-3s'",
            "1.5h": "'1.5h'",
            "''": "''",
            "h": "'h'",
            "\u0661m": "'\u0661m'",
            "10M": "'10M'",
            "1d": "'1d'",
            "99999999999s": "'99999999999s'",
        }.items()
    },
    **{
        f"timeout {value}": (
            one(f"kind: local, timeout: {value}"),
            [f"2:42: timeout: {shown} {NO_LENGTH}"],
        )
        for value, shown in {
            "0": "0",
            "-3": "-3",
            "0s": "'0s'",
            ".nan": "nan",
            ".inf": "inf",
            "-.inf": "-inf",
            "1e999": "inf",
            "169h": "'169h'",
            "604801": "604801",
        }.items()
    },
    "a timeout in defaults.start": (
        top("defaults: {start: {timeout: soon}}"),
        [f"4:29: timeout: 'soon' {NO_DURATION}"],
    ),
    "a timeout in a variant": (
        one("kind: local, variants: {a: {start: {timeout: soon}}}"),
        [f"2:65: timeout: 'soon' {NO_DURATION}"],
    ),
    **{
        f"until {value}": (known(until=value), [f"5:57: until: {text}"])
        for value, text in {
            "soon": "'soon' is not a date (YYYY-MM-DD)",
            "2027-02-30": "'2027-02-30' is not a date: day is out of range for month",
            "2027-13-01": "'2027-13-01' is not a date: month must be in 1..12",
            "0000-01-01": "'0000-01-01' is not a date: year 0 is out of range",
            "2999-01-01": "2999-01-01 is more than a year away; look again within a year",
            "2027-2-1": "'2027-2-1' is not a date (YYYY-MM-DD)",
            "2027-W05-1": "'2027-W05-1' is not a date (YYYY-MM-DD)",
            "'20270201'": "'20270201' is not a date (YYYY-MM-DD)",
            "20270201": "expected text, not 20270201; write YYYY-MM-DD",
            "2027-02-01 10:00:00": "'2027-02-01 10:00:00' is not a date (YYYY-MM-DD)",
            "on": "'on' is not a date (YYYY-MM-DD)",
        }.items()
    },
    **{
        f"path {pattern}": (
            top(f"select: {{always: ['{pattern}']}}"),
            [f"4:19: always[0]: {text}"],
        )
        for pattern, text in {
            "/docs/**": "'/docs/**' matches nothing: paths begin at the top of the repository, "
            "without /",
            "docs/": "'docs/' matches nothing: for all that is in a folder write 'docs/**'",
            "./docs": "'./docs' matches nothing: no path has an empty, . or .. part",
            "a/../b": "'a/../b' matches nothing: no path has an empty, . or .. part",
            "a//b": "'a//b' matches nothing: no path has an empty, . or .. part",
            "a\\b": "'a\\\\b' matches nothing: paths have /, not \\",
            "a/**.py": "'**.py' in 'a/**.py': ** must be a part by itself, as in a/**/*.py",
            "a/[b": "'a/[b' has a [ that no ] closes",
            "[b]/[c": "'[b]/[c' has a [ that no ] closes",
        }.items()
    },
    "a path in a rule": (
        top("select: {rules: [{paths: [a/**, /b], backends: []}]}"),
        [
            (
                "4:33: paths[1]: '/b' matches nothing: paths begin at the top of the repository, "
                "without /"
            )
        ],
    ),
    **{
        f"test {path}": (
            top(f"select: {{rules: [{{paths: [a], backends: [], tests: ['{path}']}}]}}"),
            [f"4:53: tests[0]: {text}"],
        )
        for path, text in {
            "-x": "'-x': pytest would take it for an option",
            "/a": "'/a': write the path from the top of the repository, with /, as git does",
            "a/../b": "'a/../b': write the path from the top of the repository, with /, as git "
            "does",
            "a/**": "'a/**': a path, not a pattern",
            "a b": "'a b': no white space, since paths are handed on as words",
        }.items()
    },
    "a variable's pattern": (
        top("redact: {env: ['*_[KEY']}"),
        ["4:16: env[0]: '*_[KEY' has a [ that no ] closes"],
    ),
    **{
        f"pattern {pattern}": (
            top(f"redact: {{patterns: ['{pattern}']}}"),
            [f"4:21: patterns[0]: {text}"],
        )
        for pattern, text in {
            "(": "'(' is not a regular expression: missing ), unterminated subpattern at "
            "position 0",
            "*": "'*' is not a regular expression: nothing to repeat at position 0",
            "a*": "'a*' matches the empty text",
            "(?i)key": "'(?i)key': write flags as (?i:...), around what they are for",
            "(a)\\1": "'(a)\\\\1': named groups and references to groups cannot be used here",
            "(?P<x>a)": "'(?P<x>a)': named groups and references to groups cannot be used here",
            "(?P<x>a)(?P=x)": "'(?P<x>a)(?P=x)': named groups and references to groups cannot be "
            "used here",
        }.items()
    },
}


@pytest.mark.parametrize(("text", "lines"), MEANINGS.values(), ids=MEANINGS)
def test_what_has_the_right_shape_and_no_meaning_is_said_at_its_place(said, text, lines):
    assert said(text) == lines
