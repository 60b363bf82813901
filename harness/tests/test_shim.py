"""Tests in the shape of Metaflow's own test/ux run unchanged through the shim."""

from __future__ import annotations

SHIM = ("-p", "pytest_metaflow_backends.shim")
FLOW = """
    from metaflow import FlowSpec, Parameter, step

    class GreetsFlow(FlowSpec):
        who = Parameter("who", default="nobody")

        @step
        def start(self):
            self.greeting = "hello " + self.who
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        GreetsFlow()
"""
# As that suite does it: metaflow is imported at the top, flows run in this process's Runner.
HELPERS = """
    import os
    from metaflow import Runner

    HERE = os.path.dirname(__file__)

    def execute_test_flow(flow_name, exec_mode, decospecs, tag, scheduler_config, run_params=None):
        assert exec_mode == "runner"
        assert scheduler_config.get("scheduler_type") is None
        options = {} if decospecs is None else {"decospecs": decospecs}
        path = os.path.join(HERE, flow_name)
        with Runner(path, show_output=False, **options).run(tags=tag, **(run_params or {})) as done:
            return done.run
"""
TESTS = """
    import os
    import pytest
    from helpers import execute_test_flow

    @pytest.mark.basic
    def test_greeting(exec_mode, decospecs, compute_env, tag, scheduler_config):
        run = execute_test_flow("greets.py", exec_mode, decospecs, tag, scheduler_config)
        assert run.successful
        assert run["end"].task.data.greeting == "hello nobody"
        assert set(tag) <= run.tags
        assert compute_env == {}

    @pytest.mark.config
    def test_a_parameter(exec_mode, decospecs, tag, scheduler_config, backend_name):
        run = execute_test_flow(
            "greets.py", exec_mode, decospecs, tag, scheduler_config, {"who": backend_name}
        )
        assert run["end"].task.data.greeting == "hello local"
        assert os.environ["METAFLOW_USER"] == "metaflow-backends"

    @pytest.mark.scheduler_only
    def test_a_deployment(exec_mode, scheduler_config):
        assert exec_mode == "deployer"
"""


def of_ux(project):
    project.test_file(FLOW, "greets.py")
    project.test_file(HELPERS, "helpers.py")
    project.test_file(TESTS)
    (project.path / "conftest.py").write_text("import sys; sys.path.insert(0, '.')\n")


def test_tests_of_test_ux_run_unchanged_and_deployments_are_skipped_where_there_are_none(project):
    of_ux(project)

    result = project.run(*SHIM, "--metaflow-backend=local", "-rs")

    result.assert_outcomes(passed=2, skipped=3)  # two of them, deployed
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*local: needs deployer, which it does not declare*"])


def test_they_run_in_workers_too_and_are_on_record(project):
    of_ux(project)

    result, _ = project.record(*SHIM, "--metaflow-backend=local", "-n2")

    found = {key.rpartition("::")[2]: line for key, line in project.results().items()}
    assert result.ret == 0
    assert {name: line["outcome"] for name, line in found.items()} == {
        "test_greeting[local-runner]": "passed",
        "test_greeting[local-deployer]": "skipped",
        "test_a_parameter[local-runner]": "passed",
        "test_a_parameter[local-deployer]": "skipped",
        "test_a_deployment[local-deployer]": "skipped",
    }
    assert found["test_a_deployment[local-deployer]"]["skip_kind"] == "capability"


SCHEDULED = """
    version: 1
    backends:
      local:
        kind: local
        scheduler_type: argo-workflows
        cluster: mine
        decospec: kubernetes:cpu=1
        deploy_args: {max_workers: 2}
"""
ASKED = """
    import pytest

    @pytest.mark.basic
    def test_both_ways(exec_mode): pass

    def test_deployed(exec_mode, scheduler_config, test_config, tag):
        assert exec_mode == "deployer"
        assert scheduler_config.get("cluster") == "mine"
        assert tag == ["mine", "too"]
        [backend] = test_config["backends"]
        assert backend["name"] == "local"
        assert backend["scheduler_type"] == "argo-workflows"
        assert backend["decospec"] == "kubernetes:cpu=1"
        assert backend["deploy_args"] == {"max_workers": 2}
"""


def test_where_there_is_a_scheduler_basic_tests_run_both_ways(project):
    project.matrix(SCHEDULED)
    project.test_file(ASKED)

    result, _ = project.record(*SHIM, "--metaflow-backend=local", "--tag=mine", "--tag=too")

    assert result.ret == 0
    assert {key.rpartition("::")[2] for key in project.results()} == {
        "test_both_ways[local-runner]",
        "test_both_ways[local-deployer]",
        "test_deployed[local-deployer]",
    }


def test_one_way_can_be_asked_for(project):
    project.matrix(SCHEDULED)
    project.test_file("def test_a(exec_mode): assert exec_mode == 'runner'")

    result = project.run(*SHIM, "--metaflow-backend=local", "--exec-mode=runner")

    result.assert_outcomes(passed=1)


def test_two_columns_in_one_process_are_refused_with_the_way_out(project):
    of_ux(project)

    result = project.run(*SHIM, "--metaflow-backend=local,fake")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*one column per process, and this run has local, fake: mf-*"])


def test_a_backend_that_does_not_come_up_is_ten_through_the_shim_too(project):
    project.matrix(
        "version: 1\nbackends: {fake: {kind: fake, required: true, options: {start_error: x}}}\n"
    )
    project.test_file("def test_a(exec_mode): pass")

    result = project.run(*SHIM)

    assert result.ret == 10
