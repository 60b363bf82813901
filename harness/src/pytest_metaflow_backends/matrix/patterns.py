"""Patterns as a matrix has them, and why one can never do what its author meant."""

from __future__ import annotations

import re

_CLASS = re.compile(r"\[!?\]?[^\]]*\]")
_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P[<=]")


def bad_glob(pattern: str) -> str:
    """Say why an fnmatch pattern is none; "" if it is one."""
    return f"{pattern!r} has a [ that no ] closes" if "[" in _CLASS.sub("", pattern) else ""


def bad_path(pattern: str) -> str:
    """Say why a pattern matches no path as git names it; "" if it may match one."""
    parts = pattern.split("/")
    if pattern.startswith("/"):
        return f"{pattern!r} matches nothing: paths begin at the top of the repository, without /"
    if "\\" in pattern:
        return f"{pattern!r} matches nothing: paths have /, not \\"
    if pattern.endswith("/"):
        return f"{pattern!r} matches nothing: for all that is in a folder write {pattern + '**'!r}"
    if {"", ".", ".."} & set(parts):
        return f"{pattern!r} matches nothing: no path has an empty, . or .. part"
    if glued := [part for part in parts if "**" in part and part != "**"]:
        return f"{glued[0]!r} in {pattern!r}: ** must be a part by itself, as in a/**/*.py"
    return bad_glob(pattern) if any(map(bad_glob, parts)) else ""


def bad_test(path: str) -> str:
    """Say why a file or folder of tests cannot be one; "" if it can."""
    if path.startswith("-"):
        return f"{path!r}: pytest would take it for an option"
    if path.startswith("/") or "\\" in path or {".", ".."} & set(path.split("/")):
        return f"{path!r}: write the path from the top of the repository, with /, as git does"
    if any(char.isspace() for char in path):
        return f"{path!r}: no white space, since paths are handed on as words"
    return f"{path!r}: a path, not a pattern" if "*" in path else ""


def bad_regex(pattern: str) -> str:
    """Say why a regular expression cannot be used to redact; "" if it can.

    All of them are joined into one expression, so numbered and named groups lose their meaning.
    """
    if _FLAGS.search(pattern):
        return f"{pattern!r}: write flags as (?i:...), around what they are for"
    if _BACK_REFERENCE.search(pattern):
        return f"{pattern!r}: named groups and references to groups cannot be used here"
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{pattern!r} is not a regular expression: {error}"
    return f"{pattern!r} matches the empty text" if compiled.search("") else ""
