"""The tables, and how a row reads as the JSON that Metaflow knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

# Ids are text: Argo's runs and tasks have names, those that we mint are numbers, and Metaflow
# itself treats both as text. `number` gives the ones we mint, across all flows.
TABLES = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS flows (
  flow_id TEXT PRIMARY KEY, user_name TEXT, ts_epoch INTEGER, tags TEXT, system_tags TEXT);
CREATE TABLE IF NOT EXISTS runs (
  flow_id TEXT, run_number TEXT, user_name TEXT, ts_epoch INTEGER, tags TEXT, system_tags TEXT,
  last_heartbeat_ts INTEGER, revision INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (flow_id, run_number));
CREATE TABLE IF NOT EXISTS steps (
  flow_id TEXT, run_number TEXT, step_name TEXT, user_name TEXT, ts_epoch INTEGER, tags TEXT,
  system_tags TEXT, PRIMARY KEY (flow_id, run_number, step_name));
CREATE TABLE IF NOT EXISTS tasks (
  flow_id TEXT, run_number TEXT, step_name TEXT, task_id TEXT, user_name TEXT, ts_epoch INTEGER,
  tags TEXT, system_tags TEXT, last_heartbeat_ts INTEGER,
  PRIMARY KEY (flow_id, run_number, step_name, task_id));
CREATE TABLE IF NOT EXISTS artifacts (
  flow_id TEXT, run_number TEXT, step_name TEXT, task_id TEXT, name TEXT, attempt_id INTEGER,
  location TEXT, ds_type TEXT, sha TEXT, type TEXT, content_type TEXT, user_name TEXT,
  ts_epoch INTEGER, tags TEXT, system_tags TEXT,
  PRIMARY KEY (flow_id, run_number, step_name, task_id, attempt_id, name));
CREATE TABLE IF NOT EXISTS metadata (
  id INTEGER PRIMARY KEY AUTOINCREMENT, flow_id TEXT, run_number TEXT, step_name TEXT,
  task_id TEXT, field_name TEXT, value TEXT, type TEXT, user_name TEXT, ts_epoch INTEGER,
  tags TEXT, system_tags TEXT);
CREATE INDEX IF NOT EXISTS metadata_by_task
  ON metadata (flow_id, run_number, step_name, task_id);
"""

KEYS = ("flow_id", "run_number", "step_name", "task_id")
# The kinds from the outside in: an object of each is named by one key more.
KINDS = ("flows", "runs", "steps", "tasks")
ARTIFACT = ("name", "attempt_id", "location", "ds_type", "sha", "type", "content_type")
DATUM = ("field_name", "value", "type")


def as_json(row: sqlite3.Row) -> dict[str, Any]:
    """Give an object as Metaflow reads it; the tags become lists."""
    out = {name: row[name] for name in row.keys() if name != "revision"}  # noqa: SIM118 - sqlite3.Row iterates over values
    for name in ("tags", "system_tags"):
        out[name] = json.loads(out.get(name) or "[]")
    if "value" in out:
        out["value"] = json.loads(out["value"])
    return out
