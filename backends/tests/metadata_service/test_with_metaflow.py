"""The service as Metaflow itself uses it: its provider writes, its client reads."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import requests

FLOW = """
from metaflow import FlowSpec, step, retry, current

class Served(FlowSpec):
    @step
    def start(self):
        self.items = ["a", "b"]
        self.next(self.each, foreach="items")

    @retry(times=1, minutes_between_retries=0)
    @step
    def each(self):
        if self.input == "b" and current.retry_count == 0:
            raise ValueError("once")
        self.said = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = sorted(i.said for i in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Served()
"""
PROVIDER = """
    import json, time
    from metaflow.plugins.metadata_providers.service import ServiceMetadataProvider as Provider
    from metaflow.metaflow_environment import MetaflowEnvironment
    from metaflow.metadata_provider import MetaDatum
    from metaflow.event_logger import NullEventLogger
    from metaflow.monitor import NullMonitor
    class Flow:
        name = "ByName"
    from metaflow.client.core import metadata
    from metaflow import namespace
    namespace(None)
    provider = Provider(MetaflowEnvironment(Flow), Flow, NullEventLogger(), NullMonitor())
    Provider.INFO = Provider.default_info()
"""

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def run_id(service):
    """Run a flow once with the service; gives the id that the service minted."""
    import os

    from metaflow_backends import sandbox

    server, home = service
    flow = home / "served.py"
    flow.write_text(FLOW)
    told = {**os.environ, **sandbox.make(home), "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": server.endpoint}  # fmt: skip
    environment = {name: value for name, value in told.items() if value is not None}
    file = home / "run_id"
    subprocess.run(
        [sys.executable, str(flow), "--quiet", "run", "--run-id-file", str(file), "--tag", "first"],
        env=environment, check=True, timeout=120, cwd=home / "work",
    )  # fmt: skip
    return file.read_text()


def test_a_run_and_its_artifacts_are_found_again(metaflow, run_id):
    expected = {"successful": True, "steps": ["each", "end", "join", "start"], "all": ["aa", "bb"]}

    actual = metaflow(f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        run = Run("Served/{run_id}")
        print(json.dumps({{"successful": run.successful, "steps": sorted(s.id for s in run),
                           "all": run["join"].task.data.all}}))
    """)

    assert expected == actual


def test_attempts_keep_their_artifacts_apart(metaflow, run_id):
    expected = [[0, False, None], [1, True, "bb"]]

    actual = metaflow(f"""
        import json
        from metaflow import Run, Task, namespace
        namespace(None)
        task = next(t for t in Run("Served/{run_id}")["each"] if t.current_attempt == 1)
        tries = [Task(task.pathspec, attempt=n) for n in (0, 1)]
        print(json.dumps([[t.current_attempt, t.successful,
                           t.data.said if "said" in t else None] for t in tries]))
    """)

    assert expected == actual


def test_parents_and_children_of_a_task_are_found_by_its_metadata(metaflow, run_id):
    """This is what asks for filtered tasks."""
    expected = [2, ["join"]]

    actual = metaflow(f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        run = Run("Served/{run_id}")
        parents = list(run["join"].task.parent_tasks)
        children = [t.path_components[2] for t in parents[0].child_tasks]
        print(json.dumps([len(parents), children]))
    """)

    assert expected == actual


def test_tags_change_and_what_is_inside_the_run_shows_them(metaflow, run_id):
    expected = {"run": ["second"], "task": ["second"]}

    actual = metaflow(f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        run = Run("Served/{run_id}")
        run.replace_tag("first", "second")
        task = Run("Served/{run_id}")["end"].task
        print(json.dumps({{"run": sorted(run.user_tags), "task": sorted(task.user_tags)}}))
    """)

    assert expected == actual


def test_a_system_tag_cannot_be_removed(metaflow, run_id):
    actual = metaflow(f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        run = Run("Served/{run_id}")
        try:
            run.remove_tag(next(t for t in run.system_tags if t.startswith("runtime:")))
        except Exception as error:
            print(json.dumps(str(error)))
    """)

    assert "system tag" in actual


def test_ten_processes_that_tag_one_run_lose_no_tag(metaflow, run_id):
    expected = 20

    actual = metaflow(f"""
        import json, subprocess, sys
        from metaflow import Run, namespace
        namespace(None)
        code = ('import sys\\nfrom metaflow import Run, namespace\\nnamespace(None)\\n'
                'for n in range(5): Run("Served/{run_id}").add_tag(f"race-{{sys.argv[1]}}-{{n}}")')
        racers = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in range(4)]
        assert [racer.wait() for racer in racers] == [0] * 4
        print(json.dumps(sum(t.startswith("race-") for t in Run("Served/{run_id}").user_tags)))
    """)

    assert expected == actual


def test_a_run_and_tasks_by_names_of_others_are_taken_on(metaflow):
    """Argo names runs and tasks itself, and every pod registers them anew."""
    expected = [[True, True], [True, True], "argo-by-name-x2k4p", "t-0a1b2c3d", "kept"]

    actual = metaflow(
        PROVIDER
        + """
    run, task = "argo-by-name-x2k4p", "t-0a1b2c3d"
    made = [provider.register_run_id(run) for _ in range(2)]
    tasks = [provider.register_task_id(run, "start", task, 0) for _ in range(2)]
    provider.register_metadata(run, "start", task, [MetaDatum("note", "kept", "note", [])])
    from metaflow import Task
    found = Task(f"ByName/{run}/start/{task}")
    print(json.dumps([made, tasks, found.parent.parent.id, found.id, found.metadata_dict["note"]]))
    """
    )

    assert expected == actual


def test_heartbeats_of_runs_and_tasks_arrive(metaflow, service):
    metaflow(
        PROVIDER
        + """
    run = provider.new_run_id()
    task = provider.new_task_id(run, "start")
    provider.start_task_heartbeat("ByName", run, "start", task)
    time.sleep(2)
    provider.stop_heartbeat()
    other = Provider(MetaflowEnvironment(Flow), Flow, NullEventLogger(), NullMonitor())
    other.start_run_heartbeat("ByName", run)
    time.sleep(2)
    other.stop_heartbeat()
    print(json.dumps([run, task]))
    """
    )
    run = requests.get(f"{service[0].endpoint}/flows/ByName/runs", timeout=5).json()[0]
    where = f"{service[0].endpoint}/flows/ByName/runs/{run['run_number']}/steps/start/tasks"
    (task,) = requests.get(where, timeout=5).json()

    ages = [time.time() - found["last_heartbeat_ts"] for found in (run, task)]

    assert all(0 <= age < 60 for age in ages)
