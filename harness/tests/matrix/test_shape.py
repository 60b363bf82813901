"""What the schema refuses: the exact lines a person reads."""

from __future__ import annotations

import pytest

TOP_KEYS = (
    "allowed_differences, backends, defaults, expect_failures, flaky, marker_prefix, redact, "
    "select, version"
)
A_BACKEND = "a backend: it is a marker, of a-z, 0-9 and _, beginning with a letter"
A_VARIANT = "a variant: it is of a-z, 0-9, _, . and -, beginning with a letter or digit"


def one(settings):
    """Give a matrix with one backend; its settings begin in column 20 of line 2."""
    return f"version: 1\nbackends: {{local: {{{settings}}}}}\n"


def top(text):
    """Give a matrix in which a text stands from line 4 on."""
    return f"version: 1\nbackends:\n  local: {{kind: local}}\n{text}\n"


SHAPES = {
    "unknown key, near one": (
        top("bakends: 1"),
        ["4:1: unknown key 'bakends'; did you mean 'backends'?"],
    ),
    "unknown key, near none": (top("foo: 1"), [f"4:1: unknown key 'foo'; known are: {TOP_KEYS}"]),
    "unknown key that breaks a line": (
        top('"foo\\nbar": 1'),
        [f"4:1: unknown key 'foo\\nbar'; known are: {TOP_KEYS}"],
    ),
    "a key in the wrong place": (
        top("timeout: 3"),
        [
            (
                "4:1: unknown key 'timeout' here; "
                "it belongs to defaults.timeout or backends.NAME.timeout"
            )
        ],
    ),
    "a variant with a kind": (
        one("kind: local, variants: {a: {kind: fake}}"),
        ["2:48: unknown key 'kind' here; it belongs to backends.NAME.kind"],
    ),
    "nothing but a version": ("version: 1\n", ["1:1: the document lacks the key 'backends'"]),
    "neither": ("flaky: {}\n", ["1:1: the document lacks the keys 'version', 'backends'"]),
    "another version": (
        "version: 2\nbackends: {local: {kind: local}}\n",
        ["1:10: version: must be 1, not 2"],
    ),
    "a version in quotes": (
        "version: '1'\nbackends: {local: {kind: local}}\n",
        ["1:10: version: must be 1, not '1'"],
    ),
    "a version that is true": (
        "version: true\nbackends: {local: {kind: local}}\n",
        ["1:10: version: must be 1, not true"],
    ),
    "no backends": ("version: 1\nbackends: {}\n", ["2:11: backends: must not be empty"]),
    "backends left out": (
        "version: 1\nbackends:\n",
        ["2:1: backends: expected a mapping, not nothing"],
    ),
    "a list of backends": (
        "version: 1\nbackends: [local]\n",
        ["2:11: backends: expected a mapping, not a list"],
    ),
    "an empty backend": (
        "version: 1\nbackends:\n  local:\nflaky: {}\n",
        ["3:3: local: expected a mapping, not nothing"],
    ),
    "a repeated key": (one("kind: local, kind: fake"), ["2:33: duplicate key 'kind'"]),
    "a repeated backend": (
        "version: 1\nbackends:\n  a: {kind: local}\n  b: {kind: local}\n  a: {kind: fake}\n",
        ["5:3: duplicate key 'a'"],
    ),
    "a repeated variant": (
        one("kind: local, variants: {a: {}, '1': {}, 1: {}}"),
        ["2:60: duplicate key '1'"],
    ),
    "a key that is a list": (
        top("? [a]\n: 1"),
        ["1:1: a key must be text, not a sequence"],
    ),
    "a foreign type": (
        one("kind: !!python/object:os.system local"),
        ["2:26: a matrix has no values of the type 'tag:yaml.org,2002:python/object:os.system'"],
    ),
    "a set": (
        one("kind: local, options: {x: !!set {a}}"),
        ["2:46: a matrix has no values of the type 'tag:yaml.org,2002:set'"],
    ),
    "half of a character": (
        one('kind: local, cluster: "\\ud800"'),
        ["2:42: '\\ud800' holds a character that cannot be written"],
    ),
    "a NUL in a variable": (
        one('kind: local, environment: {A: "a\\0"}'),
        ["2:50: 'a\\x00' holds a character that cannot be written"],
    ),
    "text for a number": (
        one("kind: local, workers: many"),
        ["2:42: workers: expected a whole number, not 'many'"],
    ),
    "a number with YAML 1.1's underscore": (
        one("kind: local, workers: 1_0"),
        ["2:42: workers: expected a whole number, not '1_0'"],
    ),
    "too few workers": (
        one("kind: local, workers: 0"),
        ["2:42: workers: must be at least 1, not 0"],
    ),
    "half a worker": (
        one("kind: local, workers: 1.5"),
        ["2:42: workers: expected a whole number, not 1.5"],
    ),
    "retries of product failures": (
        one("kind: local, retries: {test: 1}"),
        ["2:49: test: must be at most 0, not 1"],
    ),
    "required: yes": (
        one("kind: local, required: yes"),
        ["2:43: required: expected true or false or a list, not 'yes'; write true"],
    ),
    "required: off": (
        one("kind: local, required: off"),
        ["2:43: required: expected true or false or a list, not 'off'; write false"],
    ),
    "required: ci": (
        one("kind: local, required: ci"),
        ["2:43: required: expected true or false or a list, not 'ci'; write [ci]"],
    ),
    "required, a line break": (
        one('kind: local, required: "\\r"'),
        ["2:43: required: expected true or false or a list, not '\\r'; write ['\\r']"],
    ),
    "required nowhere": (
        one("kind: local, required: []"),
        ["2:43: required: must not be empty"],
    ),
    "an unknown context": (
        one("kind: local, required: [ci, nihgtly]"),
        ["2:48: required[1]: 'nihgtly' is not one of dev, ci, nightly; did you mean 'nightly'?"],
    ),
    "a context twice": (
        one("kind: local, required: [ci, ci]"),
        ["2:43: required: 'ci' stands here twice"],
    ),
    "a variable with a number": (
        one("kind: local, environment: {A: 1.10, B: true, C: on, D: null}"),
        [
            "2:50: A: expected text, not 1.1; put it in quotes",
            "2:59: B: expected text, not true; put it in quotes",
            "2:75: D: expected text, not nothing",
        ],
    ),
    "a variable with a bad name": (
        one("kind: local, environment: {A-B: x}"),
        [
            (
                "2:47: 'A-B' is not a valid name for a variable: it is of letters, digits and _, "
                "beginning with no digit"
            )
        ],
    ),
    "names of backends that are no markers": (
        "version: 1\nbackends:\n"
        + "".join(f"  {name}: {{kind: local}}\n" for name in ("k-8", "K8", "3", "~", "é")),
        [
            f"{n + 3}:3: {name!r} is not a valid name for {A_BACKEND}"
            for n, name in enumerate(("k-8", "K8", "3", "~", "é"))
        ],
    ),
    "a name with a line end": (
        'version: 1\nbackends: {"a\\n": {kind: local}}\n',
        [f"2:12: 'a\\n' is not a valid name for {A_BACKEND}"],
    ),
    "names of variants": (
        one("kind: local, variants: {A: {}, a b: {}, a/b: {}, -a: {}}"),
        [
            f"2:{column}: {name!r} is not a valid name for {A_VARIANT}"
            for column, name in ((44, "A"), (51, "a b"), (60, "a/b"), (69, "-a"))
        ],
    ),
    "a prefix that no marker can have": (
        top("marker_prefix: 1x"),
        [
            (
                "4:16: marker_prefix: '1x' does not fit: Put before every backend's marker, "
                "to keep it apart from another plugin's, e.g. mf_."
            )
        ],
    ),
    "an expectation with nothing": (
        top("expect_failures: [{}]"),
        ["4:19: expect_failures[0] lacks the keys 'backend', 'test', 'reason', 'owner', 'until'"],
    ),
    "an expectation that is no mapping": (
        top("expect_failures: [3]"),
        ["4:19: expect_failures[0]: expected a mapping, not 3"],
    ),
    "expectations by name": (
        top("expect_failures: {local: {backend: a, test: b, until: c}}"),
        ["4:18: expect_failures: expected a list, not a mapping"],
    ),
    "capabilities by name": (
        one("kind: local, provides: {forech: 1}"),
        ["2:43: provides: expected a list, not a mapping"],
    ),
    "an expectation without words": (
        top(
            "expect_failures:\n- {backend: local, test: a, reason: '', owner: o, until: 2027-02-01}"
        ),
        ["5:37: reason: must not be empty"],
    ),
    "another otherwise": (
        top("select: {otherwise: none}"),
        ["4:21: otherwise: must be all, not 'none'"],
    ),
    "a negative budget": (
        top("flaky: {budget: -1}"),
        ["4:17: budget: must be at least 0, not -1"],
    ),
}


@pytest.mark.parametrize(("text", "lines"), SHAPES.values(), ids=SHAPES)
def test_what_has_the_wrong_shape_is_said_at_its_place(said, text, lines):
    assert said(text) == lines
