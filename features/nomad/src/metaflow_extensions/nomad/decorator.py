"""`@nomad`: what a flow says, and what Metaflow asks of a compute backend."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from typing import Any, ClassVar

from metaflow.decorators import StepDecorator
from metaflow_extensions.nomad.errors import SpecError
from metaflow_extensions.nomad.spec import DRIVERS, WITH_IMAGE, Spec

# Of these a flow gives one, and a setting for another must not come between.
COUNTERPARTS = {"cpu": "cores", "cores": "cpu", "memory_max": "memory"}
REMOTE = ("s3", "azure", "gs")
ELSEWHERE = ("kubernetes", "batch", "slurm")  # decorators that run the step themselves
SCHEDULERS = ("argo-workflows", "step-functions", "airflow")  # commands; none of them knows Nomad


class NomadDecorator(StepDecorator):
    """
    Runs this step as a job of HashiCorp Nomad.

    Every attempt is a job of its own, which Nomad starts once. A value that is not given is taken
    from METAFLOW_NOMAD_<NAME>, and then from here.

    Parameters
    ----------
    image : str, optional
        Image of the drivers docker and podman; by default python:<version of the launcher>.
    driver : str, default docker
        docker, podman, exec or raw_exec.
    cpu : int, default 1000
        MHz. @resources(cpu=n) asks for n times METAFLOW_NOMAD_MHZ_PER_CPU; the larger counts.
    cores : int, optional
        Whole cores, in place of cpu.
    memory : int, default 4096
        MB; of @resources the larger counts.
    memory_max : int, optional
        MB up to which the task may go where the cluster allows it.
    disk : int, default 1024
        MB; 100 of them are for logs.
    gpu : int, optional
        Devices of the kind `device` (default nvidia/gpu) that fit `device_constraints`.
    datacenters, node_pool, region, namespace : optional
        Where the job is registered, and may run.
    constraints, affinities, spreads : list, optional
        '${attr.kernel.name} = linux', or dicts of attribute, operator, value, weight.
    priority : int, optional
        1 to 100.
    volumes : list, optional
        'name:/path', 'csi:name:/path:ro'.
    network_mode : str, optional
        Of the drivers docker and podman.
    ports : dict, optional
        Label to port, 0 for any.
    secrets : list, optional
        'nomad/jobs' (a Nomad Variable), 'vault:secret/data/x', or a template: the node fills them
        in, so that the job holds none.
    env, meta : dict, optional
        Texts; whoever may read jobs sees them.
    queue_timeout : int or str, optional
        How long the job may wait for a place: 90, '5m'. Without it, for ever, or 5 s if no node
        could ever run it.
    kill_timeout : int or str, default 5
        From SIGTERM to SIGKILL.
    executable : str, optional
        Interpreter of the task.
    user : str, optional
        Whom the task runs as.
    """

    name = "nomad"
    defaults: ClassVar[dict[str, Any]] = dict.fromkeys(
        (
            "image", "driver", "cpu", "cores", "memory", "memory_max", "disk", "gpu", "device",
            "device_constraints", "datacenters", "node_pool", "region", "namespace", "constraints",
            "affinities", "spreads", "priority", "volumes", "network_mode", "ports", "secrets",
            "env", "meta", "queue_timeout", "kill_timeout", "executable", "user", "shared_memory",
        )
    )  # fmt: skip
    supports_conda_environment = True
    target_platform = "linux-64"

    begun: ClassVar[dict[str, tuple[str | None, str | None]]] = {}  # jobs of this run
    forkserver: ClassVar[Any] = None  # of this run
    metadata: Any = None
    task_datastore: Any = None
    guard: Any = None  # ends a step that runs past its limit
    package_metadata: ClassVar[str | None] = None
    package_url: ClassVar[str | None] = None
    package_sha: ClassVar[str | None] = None

    def init(self) -> None:
        """Take from the configuration what the flow does not say."""
        from metaflow import metaflow_config as config

        given = {name for name, value in self.attributes.items() if value is not None}
        for name in self.defaults:
            if COUNTERPARTS.get(name) in given:
                continue
            value = getattr(config, f"NOMAD_{name.upper()}", None)
            if self.attributes[name] is None and value is not None and value != "":
                self.attributes[name] = _given(name, value)
        if self.attributes["driver"] is None:
            self.attributes["driver"] = DRIVERS[0]
        if self.attributes["image"] is None and self.attributes["driver"] in WITH_IMAGE:
            major, minor, _ = platform.python_version_tuple()
            self.attributes["image"] = f"python:{major}.{minor}"
        if self.attributes["driver"] not in WITH_IMAGE:
            self.attributes["image"] = None

    def make_decorator_spec(self) -> str:
        """Say what this decorator says as `--with` takes it, whatever its texts hold.

        Metaflow divides at commas before `word=`, also within a text.
        """
        self.external_init()
        said = {name: value for name, value in self.attributes.items() if value is not None}
        parts = [f"{name}={_as_text(value)}" for name, value in said.items()]
        return f"{self.name}:{','.join(parts)}" if parts else self.name

    def step_init(
        self,
        flow: Any,
        graph: Any,
        step: str,
        decos: Any,
        environment: Any,
        flow_datastore: Any,
        logger: Any,
    ) -> None:
        from metaflow.plugins.timeout_decorator import get_run_time_limit_for_task

        names = {deco.name for deco in decos}
        for name in ELSEWHERE:
            if name in names:
                raise SpecError(f"step {step}: take either @nomad or @{name}")
        if (scheduler := _scheduler()) is not None:
            raise SpecError(f"step {step} has @nomad, and {scheduler} cannot run it there")
        if graph[step].parallel_foreach or graph[step].parallel_step:
            raise SpecError(f"step {step}: @nomad cannot run a @parallel step")
        if flow_datastore.TYPE not in REMOTE:
            raise SpecError(
                f"@nomad needs a datastore that its nodes reach ({', '.join(REMOTE)}), not "
                f"{flow_datastore.TYPE}; run with --datastore=s3 or set METAFLOW_DEFAULT_DATASTORE"
            )
        self.step, self.logger, self.environment = step, logger, environment
        self.flow_datastore = flow_datastore
        self.attributes.update(merged(self.attributes, _resources(decos)))
        Spec.of(self.attributes)
        limited = any(deco.name == "timeout" for deco in decos)
        self.limit = get_run_time_limit_for_task(decos) if limited else None

    def runtime_init(self, flow: Any, graph: Any, package: Any, run_id: Any) -> None:
        from metaflow import metaflow_config as config
        from metaflow_extensions.nomad.forkserver import starting

        self.package, self.flow_name = package, flow.name
        if NomadDecorator.forkserver is None and config.NOMAD_FORKSERVER:
            NomadDecorator.forkserver = starting.start(self.flow_datastore.TYPE)

    def runtime_task_created(
        self,
        task_datastore: Any,
        task_id: Any,
        split_index: Any,
        input_paths: Any,
        is_cloned: bool,
        ubf_context: Any,
    ) -> None:
        if not is_cloned:
            self._save_package_once(self.flow_datastore, self.package)

    def runtime_step_cli(
        self,
        cli_args: Any,
        retry_count: int,
        max_user_code_retries: int,
        ubf_context: Any,
    ) -> None:
        from metaflow_extensions.nomad.forkserver import starting

        if retry_count > max_user_code_retries:
            return  # what @catch does in the end runs here
        cli_args.commands = ["nomad", "step"]
        cli_args.command_args += [self.package_metadata, self.package_sha, self.package_url]
        said = {name: value for name, value in self.attributes.items() if value is not None}
        cli_args.command_options["spec"] = json.dumps(said)
        if self.limit:
            cli_args.command_options["limit"] = str(self.limit)
        self._note(cli_args.command_options, retry_count)
        command = [sys.executable, *cli_args.entrypoint[1:]]
        cli_args.entrypoint = starting.entrypoint(self.forkserver, command)

    def _note(self, options: Any, attempt: int) -> None:
        """Keep which job the launcher of this attempt will register."""
        from metaflow_extensions.nomad.job.identity import Attempt

        run, task = str(options["run-id"]), str(options["task-id"])
        root = str(self.flow_datastore.datastore_root)
        job = Attempt(self.flow_name, run, self.step, task, attempt, root).job
        self.begun[job] = (self.attributes["namespace"], self.attributes["region"])

    def runtime_finished(self, exception: BaseException | None) -> None:
        """Stop what a run that failed has left: Metaflow kills launchers without a word."""
        from metaflow_extensions.nomad import leftover

        server, NomadDecorator.forkserver = self.forkserver, None
        if server is not None:
            server.stop()
        begun = dict(self.begun)
        self.begun.clear()  # once for all steps of the run
        if exception is not None and begun:
            for problem in leftover.stop(begun):
                self.logger(problem, system_msg=True, bad=True)

    def task_pre_step(
        self,
        step_name: str,
        task_datastore: Any,
        metadata: Any,
        run_id: str,
        task_id: str,
        flow: Any,
        graph: Any,
        retry_count: int,
        max_retries: int,
        ubf_context: Any,
        inputs: Any,
    ) -> None:
        from metaflow_extensions.nomad.task import reporting
        from metaflow_extensions.nomad.task.limit import Limit

        self.metadata, self.task_datastore = metadata, task_datastore
        if reporting.on_nomad(os.environ):
            reporting.begin(metadata, run_id, step_name, task_id, retry_count)
            self.guard = Limit(self.limit) if self.limit else None

    def task_post_step(
        self,
        step_name: str,
        flow: Any,
        graph: Any,
        retry_count: int,
        max_user_code_retries: int,
    ) -> None:
        self._lift()

    def task_exception(
        self,
        exception: BaseException,
        step_name: str,
        flow: Any,
        graph: Any,
        retry_count: int,
        max_user_code_retries: int,
    ) -> None:
        self._lift()

    def _lift(self) -> None:
        """Let what follows the step's code take its time, e.g. to store what @catch keeps."""
        if self.guard is not None:
            self.guard.lift()
            self.guard = None

    def task_finished(
        self,
        step_name: str,
        flow: Any,
        graph: Any,
        is_task_ok: bool,
        retry_count: int,
        max_retries: int,
    ) -> None:
        from metaflow_extensions.nomad.task import reporting

        self._lift()
        if reporting.on_nomad(os.environ):
            reporting.end(self.metadata, self.task_datastore)

    @classmethod
    def _save_package_once(cls, flow_datastore: Any, package: Any) -> None:
        from metaflow.metaflow_config import FEAT_ALWAYS_UPLOAD_CODE_PACKAGE

        if cls.package_url is not None:
            return
        if FEAT_ALWAYS_UPLOAD_CODE_PACKAGE:
            cls.package_url, cls.package_sha = package.package_url(), package.package_sha()
        else:
            saved = flow_datastore.save_data([package.blob], len_hint=1)
            cls.package_url, cls.package_sha = saved[0]
        cls.package_metadata = package.package_metadata


def _as_text(value: Any) -> str:
    text = re.sub(
        r'"(?:\\.|[^"\\])*"', lambda found: found[0].replace(",", r"\u002c"), json.dumps(value)
    )
    return text.replace('"', '\\"')


def _scheduler() -> str | None:
    """Name the scheduler that this command deploys the flow to, if it does.

    Such a command attaches @kubernetes or @batch after our `step_init`, so its name has to do.
    """
    from metaflow._vendor import click

    context = click.get_current_context(silent=True)
    said = getattr(context and context.find_root(), "saved_args", None) or ()
    return said[0] if said and said[0] in SCHEDULERS and "create" in said else None


def _given(name: str, value: Any) -> Any:
    """Read a setting: lists and objects are JSON, as in the environment."""
    if isinstance(value, str) and value.strip()[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except ValueError as error:
            raise SpecError(f"METAFLOW_NOMAD_{name.upper()} is no JSON: {error}") from error
    return value


def _resources(decos: Any) -> dict[str, Any]:
    found = next((deco for deco in decos if deco.name == "resources"), None)
    return {} if found is None else dict(found.attributes)


def merged(attributes: dict[str, Any], resources: dict[str, Any]) -> dict[str, Any]:
    """Give the larger of what @nomad and @resources ask for; the latter counts CPUs."""
    from metaflow import metaflow_config as config

    wished: dict[str, Any] = {}
    for name in ("memory", "disk", "gpu", "shared_memory"):
        if resources.get(name) is not None:
            wished[name] = _larger(attributes[name], float(resources[name]))
    if resources.get("cpu") is not None:
        cpus = float(resources["cpu"])
        if attributes["cores"] is not None:
            wished["cores"] = _larger(attributes["cores"], -(-cpus // 1))
        else:
            wished["cpu"] = _larger(attributes["cpu"], cpus * float(config.NOMAD_MHZ_PER_CPU))
    return wished


def _larger(ours: Any, theirs: float) -> int:
    return int(max(float(ours or 0), theirs))
