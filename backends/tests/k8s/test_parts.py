"""The parts of a cluster that need no cluster: options, access, certificates, settings."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography import x509
from metaflow_backends.errors import BackendError
from metaflow_backends.k8s import certificates, configuration, environment, manifests
from metaflow_backends.k8s.access import Access, kubeconfig
from metaflow_backends.k8s.api import collection
from metaflow_backends.k8s.backend import Argo, K8s
from metaflow_backends.k8s.daemons import AFTER, Layout, arguments
from metaflow_backends.k8s.options import Options
from metaflow_backends.k8s.provider import Cluster
from metaflow_backends.options import OptionError
from metaflow_backends.protocol import Running, Settings, Shares

LAYOUT = Layout(Path("/h"), "10.200.0.2", Path("/run/x"), "mx-1")
NAMES = ("containerd", "etcd", "kube-apiserver", *AFTER)


@pytest.mark.parametrize(
    ("provider", "options", "says"),
    [
        ("embeded", {}, "unknown provider 'embeded'; did you mean 'embedded'"),
        ("kind", {"image": "x"}, "image is only for the provider external"),
        (None, {"arg": True}, "unknown option 'arg'; did you mean 'argo'"),
        (None, {"argo": "yes"}, "argo is 'yes', and must be a bool"),
        (None, {"max_workers": 0}, "max_workers must be from 1, not 0"),
        (None, {"image": "x"}, "image is only for the provider external"),
        ("external", {}, "kubeconfig '' is no file"),
        ("external", {"kubeconfig": __file__}, "needs an image that it can pull"),
        ("external", {"kubeconfig": __file__, "image": "x"}, "either s3_endpoint and s3_root"),
    ],
)
def test_an_option_that_cannot_be_meant_is_one_line(provider, options, says):
    with pytest.raises(OptionError) as caught:
        Options.of(Settings("k8s", provider=provider, options=options))

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_column_can_be_embedded_without_saying_so():
    assert Options.of(Settings("k8s")).provider == "embedded"


def test_a_kubeconfig_of_ours_is_read_as_it_was_meant(tmp_path):
    path = tmp_path / "config"
    path.write_text(kubeconfig("https://a:1", tmp_path, "admin"))
    expected = Access(
        server="https://a:1",
        ca=str(tmp_path / "ca.pem"),
        certificate=(str(tmp_path / "admin.pem"), str(tmp_path / "admin-key.pem")),
    )

    actual = Access.read(path)

    assert expected == actual


def test_what_a_kubeconfig_holds_inline_becomes_a_file_for_us_alone(tmp_path):
    path = tmp_path / "config"
    text = json.loads(kubeconfig("https://a:1", tmp_path, "admin"))
    text["clusters"][0]["cluster"] = {
        "server": "https://a:1",
        "certificate-authority-data": base64.b64encode(b"pem").decode(),
    }
    text["users"][0]["user"] = {"token": "t"}
    path.write_text(json.dumps(text))

    access = Access.read(path)

    assert (Path(access.ca).read_bytes(), Path(access.ca).stat().st_mode & 0o777) == (b"pem", 0o600)
    assert access.token == "t"


@pytest.mark.parametrize(
    ("change", "context", "says"),
    [
        ({}, "other", "there is no context 'other'; there is: metaflow"),
        ({"users": []}, None, "there is no user 'admin'; there is: none"),
        (
            {"users": [{"name": "admin", "user": {"exec": {}}}]},
            None,
            "user 'admin' proves itself with a program",
        ),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_says_where(tmp_path, change, context, says):
    path = tmp_path / "config"
    path.write_text(
        json.dumps({**json.loads(kubeconfig("https://a:1", tmp_path, "admin")), **change})
    )

    with pytest.raises(BackendError) as caught:
        Access.read(path, context)

    assert says in str(caught.value)


def test_every_certificate_is_signed_for_who_holds_it(tmp_path):
    certificates.make(tmp_path, "10.200.0.2")
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    for holder, subject in certificates.subjects("10.200.0.2").items():
        made = x509.load_pem_x509_certificate((tmp_path / f"{holder}.pem").read_bytes())
        made.verify_directly_issued_by(ca)
        assert f"CN={subject.user}" in made.subject.rfc4514_string()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_the_api_server_may_be_called_by_its_address_and_its_service(tmp_path):
    certificates.make(tmp_path, "10.200.0.2")
    made = x509.load_pem_x509_certificate((tmp_path / "apiserver.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    expected = {"127.0.0.1", "10.200.0.2", "10.96.0.1"}

    actual = {str(address) for address in names.get_values_for_type(x509.IPAddress)}

    assert expected == actual


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_written_outside_the_home_and_its_sockets(name):
    paths = [a.partition("=")[2].removeprefix("unix://") for a in arguments(name, LAYOUT)]
    absolute = [path for path in paths if path.startswith("/") and path != "/mx-1"]

    assert all(path.startswith(("/h/", "/run/x/")) for path in absolute)


def test_the_api_server_gets_one_authority_for_one_purpose():
    """With the same one for --requestheader-client-ca-file it refuses to start."""
    said = " ".join(arguments("kube-apiserver", LAYOUT))

    assert "--client-ca-file=" in said
    assert "requestheader" not in said


def test_kubelet_stands_the_traps_of_this_kind_of_machine():
    settings = json.loads(configuration.kubelet(Path("/h"), Path("/l"), Path("/p"), "mx-1"))
    expected = {"failCgroupV1": False, "oomScoreAdj": 0, "cgroupRoot": "/mx-1", "podLogsDir": "/l"}

    actual = {name: settings[name] for name in expected}

    assert expected == actual


def test_containerd_lowers_no_oom_score():
    text = configuration.containerd(Path("/h"), Path("/run/x/c.sock"), "docker.io/x/pause:1")

    assert "restrict_oom_score_adj = true" in text
    assert 'sandbox_image = "docker.io/x/pause:1"' in text


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (manifests.namespace("n"), "/api/v1/namespaces"),
        (manifests.secret("n", {}), "/api/v1/namespaces/n/secrets"),
        (
            manifests.executor_rights("n")[0],
            "/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles",
        ),
    ],
)
def test_an_object_goes_where_its_kind_lives(manifest, expected):
    assert collection(manifest) == expected


def test_the_environment_of_flows_names_the_secret_and_holds_no_key():
    cluster = Cluster(kubeconfig=Path("/k"), image="i", gateway="10.0.0.1")

    actual = environment.for_pods(cluster)

    assert actual["METAFLOW_KUBERNETES_SECRETS"] == manifests.SECRET
    assert not [name for name in actual if name.startswith("AWS_")]


def test_argo_uses_what_the_shared_column_runs():
    host = Running(environment={"A": "b"}, details={"argo": True, "secret": "s"})
    argo = Argo()

    actual = argo.attach(Settings("argo"), host).environment

    assert isinstance(argo, Shares)
    assert actual["A"] == "b"
    assert actual["METAFLOW_ARGO_WORKFLOWS_KUBERNETES_SECRETS"] == "s"


def test_argo_without_workflows_says_what_to_change():
    with pytest.raises(BackendError, match="give that one the option `argo: true`"):
        Argo().attach(Settings("argo"), Running(details={"argo": False}))


def test_argo_by_itself_says_what_to_share(tmp_path):
    with pytest.raises(BackendError, match="put `shares: k8s` into its row"):
        Argo().start(Settings("argo"), tmp_path)


def test_a_task_is_known_by_its_pod_and_its_workflow():
    metadata = {"kubernetes-pod-name": "p", "argo-workflow-name": "w", "attempt": "0"}
    expected = {"kubernetes-pod-name": "p", "argo-workflow-name": "w"}

    actual = K8s().native(metadata)

    assert expected == actual
