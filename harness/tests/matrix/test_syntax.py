"""What is no matrix at all: bytes, YAML, aliases without end."""

from __future__ import annotations

import pytest

FILES = {
    "empty": (b"", "1:1: the file is empty; it needs `version` and `backends`"),
    "comments only": (b"# soon\n", "1:1: the file is empty; it needs `version` and `backends`"),
    "a text": (b"local\n", "1:1: expected keys such as `version` and `backends`"),
    "Latin-1": (
        b"version: 1\n# caf\xe9\n",
        "2:6: not UTF-8 (byte 0xe9); save the file as UTF-8",
    ),
    "UTF-16": (
        "version: 1\n".encode("utf-16"),
        "1:1: not UTF-8 (byte 0xff); save the file as UTF-8",
    ),
    "a NUL": (b"version: 1\n\0", "2:1: the character U+0000 is not allowed in YAML"),
    "an escape sequence": (
        b"version: 1\nbackends: {a\x1b: 1}\n",
        "2:13: the character U+001B is not allowed in YAML",
    ),
    "indented with a tab": (
        b"version: 1\nbackends:\n\tlocal: {}\n",
        "3:1: a tab; YAML is indented with spaces",
    ),
    "an open bracket": (
        b"version: 1\nbackends: [1,\n",
        "3:1: not YAML: expected the node content, but found '<stream end>'",
    ),
    "wrong indent": (
        b"version: 1\n  backends: {}\n",
        "2:11: not YAML: mapping values are not allowed here",
    ),
    "two documents": (
        b"version: 1\n---\nversion: 1\n",
        "2:1: a second document begins here; the file must hold one",
    ),
    "an alias of nothing": (
        b"version: 1\nbackends: *x\n",
        "2:11: not YAML: found undefined alias 'x'",
    ),
    "an alias of itself": (
        b"version: 1\nbackends: &b {local: *b}\n",
        "1:1: its aliases (*name) make it endless",
    ),
    "a mapping merged into itself": (
        b"version: 1\nbackends: &b {<<: *b}\n",
        "1:1: its aliases (*name) make it endless",
    ),
    "a billion aliases": (
        b"a: &a [1,1,1,1,1,1,1,1,1]\n"
        + b"".join(
            b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n + 1, n + 1, *[n] * 9)
            for n in range(ord("a"), ord("i"))
        ),
        "1:1: its aliases (*name) make it endless",
    ),
    "deeper than any matrix": (
        b"version: " + b"[" * 2000 + b"]" * 2000,
        "1:49: nested deeper than 40 levels",
    ),
}


@pytest.mark.parametrize(("content", "line"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_matrix_at_all_is_one_line(said, content, line):
    assert said(content) == [line]


def test_windows_files_have_the_same_positions(said):
    content = b"\xef\xbb\xbfversion: 1\r\nbackends:\r\n  local: {kind: locl}\r\n"

    lines = said(content)

    assert lines == [
        "3:17: kind: unknown kind 'locl', none such is installed; did you mean 'local'?"
    ]
