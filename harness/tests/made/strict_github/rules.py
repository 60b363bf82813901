"""What GitHub refuses although its schema would take it.

Source: the descriptions of "Create a check run" and "Update a check run" in GitHub's REST API, and
dorny/test-reporter#57 for bytes where they say characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT, DETAILS, TITLE, PAGE = 65_535, 64 * 1024, 255, 100
ACTION = {"label": 20, "description": 40, "identifier": 20}
SHA = re.compile(r"[0-9a-f]{40}")


def broken(body: dict, schema: dict, *, creates: bool) -> list[str]:
    """List every rule that a body of a check run breaks; empty if GitHub would take it."""
    return [
        *unknown_fields(body, schema, ""),
        *_whole(body, creates=creates),
        *_output(body.get("output") or {}),
        *_actions(body.get("actions") or []),
    ]


def unknown_fields(value: object, schema: dict, place: str) -> list[str]:
    """List fields that the schema does not know: GitHub ignores them, and they mean a mistake."""
    if isinstance(value, list):
        items = schema.get("items", {})
        return [line for item in value for line in unknown_fields(item, items, f"{place}[]")]
    if not isinstance(value, dict):
        return []
    known = schema.get("properties", {})
    lines = [f"{place}.{name}: no such field" for name in value if name not in known]
    for name in value.keys() & known.keys():
        lines += unknown_fields(value[name], known[name], f"{place}.{name}")
    return lines


def unknown_queries(given: Mapping[str, str], operation: dict) -> list[str]:
    """List what a query holds that the call does not take; GitHub would pass over it in silence."""
    known = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "query"}
    lines = [f"?{name}: no such parameter" for name in given if name not in known]
    for name in given.keys() & known.keys():
        whole = known[name].get("type") == "integer"
        value = int(given[name]) if whole else given[name]
        found = Draft202012Validator(known[name]).iter_errors(value)
        lines += [f"?{name}: {error.message}" for error in found]
    if int(given.get("per_page", 1)) > PAGE:
        lines.append(f"?per_page: more than {PAGE}")
    return lines


def _whole(body: dict, *, creates: bool) -> list[str]:
    lines = []
    if creates and not SHA.fullmatch(str(body.get("head_sha", ""))):
        lines.append("head_sha: no commit")
    done = body.get("status") == "completed" or "completed_at" in body
    if done and "conclusion" not in body:
        lines.append("conclusion: missing though it is completed")
    if body.get("conclusion") == "stale":
        lines.append("conclusion: only GitHub sets stale")
    if "output" in body and not {"title", "summary"} <= body["output"].keys():
        lines.append("output: title and summary go together")
    return lines


def _output(output: dict) -> list[str]:
    lines = [
        f"output.{name}: more than {TEXT} bytes"
        for name in ("summary", "text")
        if _bytes(output.get(name, "")) > TEXT
    ]
    notes = output.get("annotations") or []
    return lines + [f"annotation {n}: {line}" for n, x in enumerate(notes) for line in _note(x)]


def _note(note: dict) -> list[str]:
    lines = []
    start, end = note["start_line"], note["end_line"]
    if not 1 <= start <= end:
        lines.append(f"lines {start} to {end}")
    if start != end and {"start_column", "end_column"} & note.keys():
        lines.append("columns of more than one line")
    if len(note.get("title", "")) > TITLE:
        lines.append("title: too long")
    if not note["message"].strip():
        lines.append("message: empty")
    long = [n for n in ("message", "raw_details") if _bytes(note.get(n, "")) > DETAILS]
    lines += [f"{name}: more than 64 KB" for name in long]
    path = note["path"]
    if not path or path.startswith("/") or {".", "..", ""} & set(path.split("/")):
        lines.append(f"path: {path!r} is not one of the repository")
    return lines


def _actions(actions: list) -> list[str]:
    lines = ["actions: more than three"] if len(actions) > 3 else []
    return lines + [
        f"action.{name}: more than {most} characters"
        for action in actions
        for name, most in ACTION.items()
        if len(action.get(name, "")) > most
    ]


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))
