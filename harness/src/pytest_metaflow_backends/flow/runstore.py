"""Where a run is found: its tasks in the datastore, its tags and metadata through the Client.

The datastore comes first, since it is what every backend writes: tasks of a production scheduler
are in there even where nobody carries their metadata back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_metaflow_backends.flow.ending import Progress
    from pytest_metaflow_backends.flow.request import FlowRequest


@dataclass(frozen=True)
class StoredTask:
    """One task's two halves; `seen` is None if the metadata provider does not know it."""

    pathspec: str
    step: str
    datastore: Any  # metaflow.datastore.TaskDataStore of the latest attempt that began
    seen: Any  # metaflow.Task

    def metadata(self) -> dict[str, str]:
        """Give the newest value of each metadata field."""
        if self.seen is None:
            return {}
        found = self.seen.metadata_dict.items()
        return {name: str(value) for name, value in found if value is not None}


@dataclass(frozen=True)
class RunStore:
    """One run; all reading of Metaflow's stores starts here."""

    flow: str
    run_id: str
    run: Any  # metaflow.Run, or None
    datastore: Any  # metaflow.datastore.FlowDataStore

    @classmethod
    def open(cls, flow: str, run_id: str, request: FlowRequest, progress: Progress) -> RunStore:
        """Find both halves of a run."""
        from metaflow.datastore.flow_datastore import FlowDataStore

        run = _run(f"{flow}/{run_id}", progress.metadata or _beside_the_data(request.top))
        kind, root = _place(_told(run), request.top)
        open_store: Any = FlowDataStore
        return cls(flow, run_id, run, open_store(flow, storage_impl=kind, ds_root=root))

    def tasks(self) -> Iterator[StoredTask]:
        """Yield all tasks but the pseudo-task that holds the parameters."""
        stored = self.datastore.get_task_datastores(self.run_id, allow_not_done=True)
        for datastore in stored:
            if not datastore.step_name.startswith("_"):
                yield self._task(datastore)

    def _task(self, datastore: Any) -> StoredTask:  # noqa: ANN401
        pathspec = f"{self.flow}/{datastore.pathspec}"
        seen = self.run and _child(self.run, datastore.step_name, datastore.task_id)
        return StoredTask(pathspec, datastore.step_name, datastore, seen)

    def tags(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the user's tags and the system's, sorted."""
        return tags_of(self.run)


def tags_of(seen: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:  # noqa: ANN401
    """Give the user's tags and the system's of a Run or Task, sorted; none if it is None."""
    if seen is None:
        return (), ()
    return tuple(sorted(seen.user_tags)), tuple(sorted(seen.system_tags))


def _run(pathspec: str, metadata: str | None) -> Any:  # noqa: ANN401
    from metaflow.client import core
    from metaflow.exception import MetaflowNotFound

    if metadata:  # for all objects: steps and tasks forget what their run was made with (2.19.39)
        core.metadata(metadata)
    try:
        return core.Run(pathspec, _namespace_check=False)
    except MetaflowNotFound:
        return None


def _beside_the_data(top: Mapping[str, Any]) -> str | None:
    """Name the metadata of a run whose local datastore was moved by an option: it moved along."""
    root = PurePath(str(top.get("datastore_root", "")))
    return f"local@{root.parent}" if root.name == ".metaflow" else None


def _child(run: Any, step: str, task: str) -> Any:  # noqa: ANN401
    try:
        return run[step][task]
    except KeyError:
        return None


def _place(told: Mapping[str, str], top: Mapping[str, Any]) -> tuple[Any, str]:
    """Tell the kind and root of the datastore: what the tasks say, else what is configured."""
    from metaflow import metaflow_config
    from metaflow.plugins import DATASTORES

    kinds = {kind.TYPE: kind for kind in DATASTORES}
    name = told.get("ds-type") or top.get("datastore") or metaflow_config.DEFAULT_DATASTORE
    root = told.get("ds-root") or top.get("datastore_root")
    return kinds[name], root or kinds[name].get_datastore_root_from_config(
        _quiet, create_on_absent=False
    )


def _told(run: Any) -> Mapping[str, str]:  # noqa: ANN401
    """Look into the tasks' metadata until one names its datastore."""
    for step in run or ():
        for task in step:
            told: Mapping[str, str] = task.metadata_dict
            if "ds-root" in told:
                return told
    return {}


def _quiet(*_args: object, **_options: object) -> None:
    """Take what Metaflow would tell a person."""
