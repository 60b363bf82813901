"""From the bytes of a file to YAML's own tree of nodes; what is no YAML has a place too."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4 << 20  # bytes
DEEPEST = 40  # levels; a real matrix has eight


def compose(path: Path) -> Any:  # noqa: ANN401 - ruamel.yaml's node, None for an empty document
    """Read a file into nodes; raises UsageError with path:line:col for what is not YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    text = _text(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEEPEST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor that is used twice is legal
            return yaml.compose(text)
    except ReaderError as error:
        place, code = line_and_column(text[: error.position]), _code(error.character)
        raise UsageError(
            f"{path}:{place}: the character U+{code:04X} is not allowed in YAML"
        ) from None
    except MarkedYAMLError as error:
        raise UsageError(f"{path}:{_place(error)}: {_said(error)}") from None
    except (ValueError, AssertionError) as error:  # ruamel.yaml's own, e.g. for `%YAML 99999.1`
        raise UsageError(f"{path}:1:1: not YAML: {' '.join(str(error).split())}") from None


def _code(character: str | int) -> int:
    return character if isinstance(character, int) else ord(character)


def _text(path: Path) -> str:
    try:
        raw = _bytes(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > LARGEST:
        raise UsageError(f"{path}: larger than {LARGEST >> 20} MiB; no matrix is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = line_and_column(raw[: error.start].decode("utf-8-sig"))
        raise UsageError(
            f"{path}:{place}: not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8"
        ) from None


def _bytes(path: Path) -> bytes:
    """Read what a matrix may hold, and a little more; devices and pipes may have no end."""
    if not (path.is_file() or path.is_dir()) and path.exists():
        raise UsageError(f"{path}: not a regular file")
    with path.open("rb") as stream:
        return stream.read(LARGEST + 1)


def line_and_column(before: str) -> str:
    """Give line:col, counted from 1, of what follows this text."""
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return f"{len(lines)}:{len(lines[-1]) + 1}"


def _place(error: Any) -> str:  # noqa: ANN401
    mark = error.problem_mark or error.context_mark
    return f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"


def _said(error: Any) -> str:  # noqa: ANN401
    said = " ".join(str(error.problem or error.context or "not YAML").split())
    if "another document" in said:
        return "a second document begins here; the file must hold one"
    if "'\\t'" in said:
        return "a tab; YAML is indented with spaces"
    if "maximum depth" in said:
        return f"nested deeper than {DEEPEST} levels"
    return f"not YAML: {said}"
