"""Drive a Metaflow flow on any backend and describe what it left."""

from __future__ import annotations

from pytest_metaflow_backends.flow.driver import run_flow
from pytest_metaflow_backends.flow.outcome import OPAQUE, Artifact, FlowOutcome, TaskOutcome
from pytest_metaflow_backends.flow.request import FlowRequest

__all__ = ["OPAQUE", "Artifact", "FlowOutcome", "FlowRequest", "TaskOutcome", "run_flow"]
