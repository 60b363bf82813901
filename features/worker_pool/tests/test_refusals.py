"""What a pool cannot do is said in one line before a run starts."""

from __future__ import annotations

import pytest

FOREACH = """
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.work, {how})

    {above}
    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    {end}
    @step
    def end(self):
        pass
"""


def flow(above="@worker_pool", how='foreach="items"', end=""):
    return FOREACH.format(above=above, how=how, end=end)


REFUSED = {
    "size 0": (flow("@worker_pool(size=0)"), "size=0 is not"),
    "a negative size": (flow("@worker_pool(size=-1)"), "size=-1 is not"),
    "a size in words": (flow('@worker_pool(size="ten")'), "size='ten' is not"),
    "no foreach": (flow("", end="@worker_pool"), "step end is no item of a foreach"),
    "parallel": (flow("@worker_pool\n    @parallel", "num_parallel=2"), "step work is @parallel"),
    "kubernetes": (flow("@kubernetes\n    @worker_pool"), "has @kubernetes too"),
    "batch": (flow("@batch(image='x')\n    @worker_pool"), "has @batch too"),
}


@pytest.mark.parametrize(("body", "sentence"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_before_anything_runs(written, flow_run, body, sentence):
    ran = flow_run(written(body))

    assert ran.code == 1
    assert sentence in ran.out
    assert "Traceback" not in ran.out
    assert "Task is starting" not in ran.out


METAFLOWS_OWN = {
    "twice": ("@worker_pool\n    @worker_pool", "already has a decorator 'worker_pool'"),
    "an attribute": ("@worker_pool(workers=2)", "'workers'"),
}


@pytest.mark.parametrize(("above", "sentence"), METAFLOWS_OWN.values(), ids=METAFLOWS_OWN)
def test_metaflow_itself_refuses_what_no_decorator_may(written, flow_run, above, sentence):
    ran = flow_run(written(flow(above)))

    assert ran.code == 1
    assert sentence in ran.out
    assert "Task is starting" not in ran.out


def test_an_unbounded_foreach_is_refused_at_its_step(written, flow_run):
    before = "from metaflow.unbounded_foreach import UnboundedForeachInput\n"
    before += "class Endless(UnboundedForeachInput):\n    def __getitem__(self, n): return n\n"
    body = flow().replace("self.items = [1, 2]", "self.items = Endless()")

    ran = flow_run(written(body, before=before))

    assert ran.code == 1
    assert "step work is a foreach over an unbounded input" in ran.out


def test_a_command_that_is_no_python_here_is_refused(written, flow_run):
    """As a decorator makes it that puts `docker run` in front of the step."""
    before = "from metaflow.plugins import STEP_DECORATORS\nfrom metaflow import decorators\n"
    before += (
        "found = next(d for d in STEP_DECORATORS if d.name == 'environment')\n"
        "found.runtime_step_cli = lambda s, args, *_: args.entrypoint.insert(0, 'env')\n"
    )

    ran = flow_run(written(flow("@worker_pool\n    @environment(vars={})"), before=before))

    assert ran.code == 1
    assert "step work is started by `env " in ran.out


def test_with_puts_it_on_the_items_of_foreaches_only(written, flow_run):
    ran = flow_run(written(flow("")), "--with", "worker_pool:size=1")

    assert ran.code == 0, ran.out
    assert len(ran.tasks("work")) == 2


@pytest.mark.parametrize("command", ["argo-workflows", "step-functions"])
def test_a_deployment_is_refused(written, flow_run, command):
    ran = flow_run(written(flow()), "create", command=command)

    assert ran.code != 0
    assert f"{command} cannot run the pool of step work" in ran.out
