"""What a backend can do: a closed vocabulary, and what a missing word means for a test."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_WORDS = {
    "runner": "flows run through Runner (`python flow.py run`)",
    "deployer": "flows are deployed and triggered through Deployer",
    "linear": "steps one after another",
    "branch": "static branches and their join",
    "foreach": "a step once per item",
    "nested_foreach": "a foreach inside a foreach",
    "switch": "the next step chosen by a condition",
    "recursion": "a switch that leads back to its own step",
    "join": "joins with merge_artifacts",
    "parameters": "parameters of all types, files and delayed ones included",
    "config": "Config and config_expr",
    "mutators": "FlowMutator and StepMutator",
    "retry": "@retry, attempts counted by Metaflow",
    "catch": "@catch",
    "timeout": "@timeout",
    "environment": "@environment",
    "resources": "@resources is accepted",
    "resources.enforced": "memory and CPU limits are enforced",
    "gpu": "steps with a GPU",
    "kubernetes": "steps that carry @kubernetes themselves",
    "parallel": "@parallel, several nodes at once",
    "cards": "@card",
    "project": "@project",
    "tags": "tags on runs",
    "secrets": "@secrets",
    "pypi": "@pypi environments",
    "conda": "@conda environments",
    "resume": "resume of a failed run",
    "spin": "spin of a single step",
    "schedule": "@schedule",
    "events": "@trigger and @trigger_on_finish",
    "exit_codes": "a step's exit code decides its attempt",
    "large_artifacts": "artifacts of 100 MB",
    "logs": "both output streams through Metaflow",
    "logs.native": "the backend's own log of a task, also if it crashed before Metaflow began",
    "cancel": "a run can be stopped from outside and leaves nothing running",
    "isolation": "a step cannot reach the host",
    "attestation": "evidence of where a step ran",
    "user_namespace": "a run finds the runs of the user's other flows, without naming a namespace",
    "client": "a step reads other runs through Metaflow's client",
    "packages": "modules beside the flow travel with it",
}
VOCABULARY: Mapping[str, str] = MappingProxyType(_WORDS)


@dataclass(frozen=True)
class Run:
    """The backend declares all that the test needs."""


@dataclass(frozen=True)
class Skip:
    """The test needs something that is not declared."""

    reason: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Probe:
    """Run the test although something is not declared: if it passes, the table is out of date."""

    missing: tuple[str, ...]


Decision = Run | Skip | Probe


def resolve(
    needs: Sequence[str], provides: Collection[str], *, probe_undeclared: bool = False
) -> Decision:
    """Decide whether a test runs on a backend.

    Raises UsageError with one line for every word that is not in the vocabulary.
    """
    refuse_unknown(needs)
    missing = tuple(dict.fromkeys(name for name in needs if name not in provides))
    if not missing:
        return Run()
    if probe_undeclared:
        return Probe(missing)
    return Skip(f"does not declare {', '.join(missing)}", missing)


def refuse_unknown(needs: Iterable[object]) -> None:
    """Raise UsageError with one line for every word that is not in the vocabulary."""
    unknown = [name for name in needs if not isinstance(name, str) or name not in VOCABULARY]
    if unknown:
        raise UsageError("\n".join(_unknown(name) for name in unknown))


def _unknown(name: object) -> str:
    """Say what is wrong with a word of a test; a mark takes anything, also `needs(["gpu"])`."""
    if not isinstance(name, str):
        return f"needs({name!r}): give names of capabilities, as in needs('foreach', 'retry')"
    return f"needs({name!r}): there is no capability of that name{did_you_mean(name, VOCABULARY)}"
