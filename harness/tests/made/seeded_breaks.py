"""Mistakes that somebody could make in this tree, each with a test that fails by it.

The selection of a change is held against them: a change of the file must select the test.
"""

from __future__ import annotations

from typing import NamedTuple

HARNESS, BACKENDS = "harness/src/pytest_metaflow_backends", "backends/src/metaflow_backends"


class Break(NamedTuple):
    """`old` stands once in the file at `path`; with `new` in its place `test` fails."""

    path: str
    old: str
    new: str
    test: str  # as pytest is given it


BREAKS = {
    # nomad, which has tests and a column of its own
    "a step is tried again": Break(
        f"{BACKENDS}/nomad/jobs.py",
        '"RestartPolicy": {"Attempts": 0,',
        '"RestartPolicy": {"Attempts": 3,',
        "backends/tests/nomad/test_jobs.py::test_nomad_never_tries_a_step_again",
    ),
    "a template is not protected": Break(
        f"{BACKENDS}/nomad/jobs.py",
        '.replace("%{", "%%{")',
        "",
        "backends/tests/nomad/test_jobs.py::test_what_hcl_would_replace_is_protected",
    ),
    "every profile has three clients": Break(
        f"{BACKENDS}/nomad/options.py",
        "self.clients if self.profile is Profile.MULTI else 1",
        "self.clients",
        "backends/tests/nomad/test_options.py::test_only_multi_has_several_clients",
    ),
    "an agent listens everywhere": Break(
        f"{BACKENDS}/nomad/configuration.py",
        '"bind_addr": place.address',
        '"bind_addr": "0.0.0.0"',
        "backends/tests/nomad/test_configuration.py"
        "::test_an_agent_listens_at_its_place_alone_and_keeps_its_state",
    ),
    "others' images are removed": Break(
        f"{BACKENDS}/nomad/configuration.py",
        '"gc": [{"image": False,',
        '"gc": [{"image": True,',
        "backends/tests/nomad/test_configuration.py"
        "::test_images_and_containers_of_others_are_left_alone",
    ),
    "others' groups are removed": Break(
        f"{BACKENDS}/nomad/remains.py",
        "if path.is_dir() and path.name[:36] in ids",
        "if path.is_dir()",
        "backends/tests/nomad/test_remains.py::test_only_the_groups_of_our_allocations_are_taken",
    ),
    # k8s and argo
    "a pod that failed is not told": Break(
        f"{BACKENDS}/k8s/failures.py",
        'ended.get("exitCode") != 0',
        'ended.get("exitCode") == 0',
        "backends/tests/k8s/test_failures.py::test_each_way_to_fail_is_told",
    ),
    "no worker is a number of workers": Break(
        f"{BACKENDS}/k8s/options.py",
        "if self.max_workers < 1:",
        "if self.max_workers < 0:",
        "backends/tests/k8s/test_parts.py::test_an_option_that_cannot_be_meant_is_one_line",
    ),
    "the node may write the images": Break(
        f"{BACKENDS}/k8s/kind.py",
        '{"hostPath": str(files.logs / "pods"), "containerPath": "/var/log/pods"},',
        '{"hostPath": str(files.logs), "containerPath": "/var/log"},',
        "backends/tests/k8s/test_kind.py"
        "::test_the_node_can_change_nothing_of_this_machine_but_the_logs",
    ),
    "images keep a name that nobody asks for": Break(
        f"{BACKENDS}/k8s/kind.py",
        'if which == "pause":',
        'if which == "pauses":',
        "backends/tests/k8s/test_kind.py::test_images_get_the_names_under_which_they_are_asked_for",
    ),
    "flows do not name the secret": Break(
        f"{BACKENDS}/k8s/environment.py",
        '"METAFLOW_KUBERNETES_SECRETS": SECRET,',
        "",
        "backends/tests/k8s/test_parts.py"
        "::test_the_environment_of_flows_names_the_secret_and_holds_no_key",
    ),
    "argo does not say what to share": Break(
        f"{BACKENDS}/k8s/backend.py",
        "put `shares: ",
        "put `share: ",
        "backends/tests/k8s/test_parts.py::test_argo_by_itself_says_what_to_share",
    ),
    # the metadata service, which stands under k8s and argo
    "the oldest attempt is listed": Break(
        f"{BACKENDS}/metadata_service/store.py",
        'max(one["attempt_id"], newest.get(task, 0))',
        'min(one["attempt_id"], newest.get(task, 9))',
        "backends/tests/metadata_service/test_app.py"
        "::test_only_the_newest_attempts_artifacts_are_listed_unless_one_is_named",
    ),
    "a body that is no JSON is an error of ours": Break(
        f"{BACKENDS}/metadata_service/app.py",
        "return HTTPStatus.BAD_REQUEST,",
        "return HTTPStatus.INTERNAL_SERVER_ERROR,",
        "backends/tests/metadata_service/test_app.py::test_a_body_that_is_no_json_is_refused",
    ),
    # docker, which stands under nomad, k8s and argo
    "an unknown daemon is taken": Break(
        f"{BACKENDS}/docker/backend.py",
        "if wanted not in DAEMONS:",
        "if not wanted:",
        "backends/tests/docker/test_docker.py::test_an_unknown_way_to_get_a_daemon_is_named",
    ),
    "systemd names the groups": Break(
        f"{BACKENDS}/docker/daemon.py",
        "native.cgroupdriver=cgroupfs",
        "native.cgroupdriver=systemd",
        "backends/tests/docker/test_docker.py"
        "::test_our_own_daemon_names_its_groups_itself_also_where_systemd_does",
    ),
    # s3, which stands under nomad, k8s and argo
    "a taken port is not noticed": Break(
        f"{BACKENDS}/s3/store.py",
        'TAKEN = "address already in use"',
        'TAKEN = "address in use"',
        "backends/tests/s3/test_s3.py::test_a_taken_port_is_seen_however_much_is_said_after_it",
    ),
    "the store has a key too few": Break(
        f"{BACKENDS}/s3/store.py",
        '            "AWS_EC2_METADATA_DISABLED": "true",\n        }',
        '            "AWS_EC2_METADATA_DISABLED": "true",\n        } and {}',
        "backends/tests/s3/test_s3.py::test_settings_of_the_callers_own_aws_do_not_get_in",
    ),
    # what all stand on, and what no rule knows: everything is selected
    "two ports are one": Break(
        f"{BACKENDS}/host/ports.py",
        "return tuple(one.getsockname()[1] for one in held)",
        "return (held[0].getsockname()[1],) * count",
        "backends/tests/host/test_host.py::test_ports_are_different_and_nobody_listens_on_them",
    ),
    "a proxy reaches the daemons": Break(
        f"{BACKENDS}/host/clean.py",
        "name.startswith(PREFIXES) or name.lower() in NAMES",
        "name.startswith(PREFIXES)",
        "backends/tests/host/test_host.py::test_what_would_mislead_a_daemon_is_taken_out",
    ),
    "an image has no name": Break(
        f"{BACKENDS}/images/archive.py",
        '"RepoTags": [name]',
        '"RepoTags": []',
        "backends/tests/images/test_images.py::test_an_archive_names_its_layers_and_how_it_starts",
    ),
    "a zombie is alive": Break(
        f"{BACKENDS}/identity.py",
        'ENDED = frozenset({b"Z", b"X"})',
        'ENDED = frozenset({b"X"})',
        "backends/tests/test_identity.py::test_a_zombie_does_not_run",
    ),
    "an old Metaflow is taken": Break(
        f"{BACKENDS}/local.py",
        "numbers(version) < numbers(OLDEST)",
        "version < OLDEST",
        "backends/tests/test_local.py::test_the_probe_refuses_a_metaflow_that_is_too_old",
    ),
    "two distributions with one kind are taken": Break(
        f"{BACKENDS}/registry.py",
        "for point in found}) > 1:",
        "for point in found}) > 2:",
        "backends/tests/test_registry.py::test_two_distributions_with_one_kind_are_refused",
    ),
    "a worker's tests belong to nobody": Break(
        ".ci/budget.py",
        '"nomad": "nomad"',
        '"nomads": "nomad"',
        "harness/tests/test_ci_budget.py"
        "::test_a_test_on_a_backend_belongs_to_the_area_of_the_backend_it_ran_on",
    ),
    "nothing is selected in doubt": Break(
        f"{HARNESS}/changes.py",
        'return Need(path, every, None, "no rule knows it, so all")',
        'return Need(path, (), (), "no rule knows it")',
        "harness/tests/test_changes.py",
    ),
    "a crash is green": Break(
        f"{HARNESS}/report/model.py",
        "State.ERROR, State.CRASHED, State.TIMEOUT, State.XPASSED",
        "State.ERROR, State.TIMEOUT, State.XPASSED",
        "harness/tests/report/test_verdict.py",
    ),
    "a rule forgets who stands on s3": Break(
        "matrix.yaml",
        "backends: [s3, nomad, k8s, argo]",
        "backends: [s3, k8s, argo]",
        "harness/tests/test_select_rules.py",
    ),
    "a job may write everything": Break(
        ".github/workflows/ci.yml",
        "permissions: {}",
        "permissions: write-all",
        "harness/tests/test_repository.py"
        "::test_workflows_hide_no_failure_grant_nothing_by_default_and_use_nobody_elses_code_unpinned",
    ),
    "tox forgets a backend": Break(
        "tox.ini",
        "nomad",
        "nomads",
        "harness/tests/test_repository.py::test_tox_and_the_matrix_name_the_same_backends",
    ),
    # flows and the tests of them, documents, tests of the harness
    "a foreach loses an item": Break(
        "harness/conformance/flows/foreach.py",
        '["alpha", "beta", "größe", ""]',
        '["alpha", "beta", "größe"]',
        "harness/conformance/test_graphs.py"
        "::test_a_foreach_gives_each_task_its_item_and_joins_in_order[local]",
    ),
    "a flow says something else": Break(
        "harness/conformance/flows/linear.py",
        "start says hello",
        "start says nothing",
        "harness/conformance/test_graphs.py::test_values_travel_along_a_line[local]",
    ),
    "a page leads nowhere": Break(
        "docs/index.md",
        "(install.md)",
        "(installing.md)",
        "harness/tests/test_repository.py::test_every_link_between_pages_leads_to_a_file",
    ),
    "a table names a test that is gone": Break(
        "docs/qa-scenarios.md",
        "test_values_travel_along_a_line",
        "test_values_travel_along_the_line",
        "harness/tests/test_qa_scenarios.py::test_every_test_the_table_names_exists",
    ),
    "an example of the README is no Python": Break(
        "README.md",
        "from metaflow import",
        "from metaflow imports",
        "harness/tests/test_repository.py"
        "::test_the_examples_of_the_tour_and_the_readmes_are_valid_python",
    ),
    "a record of the tests lacks its kind": Break(
        "harness/tests/made/record_lines.py",
        '"kind": "session",',
        "",
        "harness/tests/report/test_verdict_of_records.py",
    ),
}
