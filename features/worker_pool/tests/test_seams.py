"""What is taken from Metaflow without being its public API is there, and is what it was."""

from __future__ import annotations

import inspect

import pytest
from metaflow import runtime
from metaflow.cli_components import step_cmd
from metaflow_extensions.worker_pool import lean
from metaflow_extensions.worker_pool.local import seam


def test_the_scheduler_starts_tasks_where_a_pool_can_take_them():
    assert seam.missing() is None


CHANGES = {
    "no Worker": ("Worker", None, "metaflow.runtime has no Worker"),
    "another Worker": ("Worker", type("Worker", (), {}), "Worker has no _launch"),
    "no subprocess": ("subprocess", None, "metaflow.runtime does not use subprocess"),
}


@pytest.mark.parametrize(("name", "value", "sentence"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_scheduler_is_named(monkeypatch, name, value, sentence):
    monkeypatch.setattr(runtime, name, value)

    assert sentence in seam.missing()


def test_the_command_step_makes_a_task_where_a_worker_can_wait():
    source = inspect.getsource(step_cmd.step.callback)

    assert "task = MetaflowTask(" in source
    assert "task.run_step(" in source
    assert list(inspect.signature(step_cmd.MetaflowTask.run_step).parameters)[:9] == [
        "self", "step_name", "run_id", "task_id", "origin_run_id", "input_paths", "split_index",
        "retry_count", "max_user_code_retries",
    ]  # fmt: skip
    assert list(inspect.signature(step_cmd.MetaflowTask).parameters)[:3] == [
        "flow", "flow_datastore", "metadata",
    ]  # fmt: skip


def test_metaflows_small_files_are_written_where_fewer_calls_can_do():
    assert lean.missing() is None


def test_a_change_of_how_files_are_written_leaves_them_to_metaflow(monkeypatch):
    from metaflow.plugins.datastores.local_storage import LocalStorage

    monkeypatch.setattr(LocalStorage, "_atomic_write", staticmethod(lambda _: None))
    stock = LocalStorage._atomic_write

    lean.use()

    assert "_atomic_write is not what it was" in lean.missing()
    assert LocalStorage._atomic_write is stock


def test_small_artifacts_can_be_kept_as_metaflows_client_keeps_them():
    from metaflow.datastore.content_addressed_store import ContentAddressedStore

    assert "set_blob_cache" in vars(ContentAddressedStore)
    assert "self._blob_cache" in inspect.getsource(ContentAddressedStore.load_blobs)
