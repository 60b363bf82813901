"""What is not there yet brings the packages that make it."""

from __future__ import annotations

import pytest
from metaflow_backends import images, preparing, registry
from metaflow_backends.errors import BackendError
from metaflow_backends.host import packages
from metaflow_backends.images import debian
from metaflow_backends.protocol import Needs, Settings


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """Know a machine with an empty cache folder, no package, and nothing prebuilt on PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("metaflow_backends.toolchain.obtaining._on_path", lambda _recipe: None)
    monkeypatch.setattr(packages, "missing", lambda wanted: tuple(dict.fromkeys(wanted)))
    installed: list[str] = []
    monkeypatch.setattr(packages, "install", lambda wanted, _say: installed.extend(wanted))
    return installed


@pytest.fixture
def nothing_made(monkeypatch):
    monkeypatch.setattr("metaflow_backends.toolchain.ensure", lambda _name, _say: None)
    monkeypatch.setattr("metaflow_backends.images.ensure", lambda _which, _say: None)


WAYS = [("docker", None), ("nomad", None), ("k8s", "embedded"), ("k8s", "kind")]


@pytest.mark.parametrize(("kind", "provider"), WAYS)
@pytest.mark.usefixtures("nothing_made")
def test_a_bare_machine_gets_what_makes_images(bare, kind, provider):
    needs = registry.load(kind).needs(Settings(kind, provider=provider))
    preparing.prepare(needs, install=True, say=print)
    assert "debootstrap" in bare
    assert set(needs.packages) <= set(bare)


@pytest.mark.usefixtures("nothing_made")
def test_a_bare_machine_gets_the_compiler_that_nomad_is_built_with(bare):
    preparing.prepare(Needs(tools=("nomad",)), install=True, say=print)
    assert {"gcc", "libc6-dev"} <= set(bare)


@pytest.mark.usefixtures("bare")
def test_without_leave_to_install_the_cure_names_what_makes_images():
    with pytest.raises(BackendError, match=r"apt-get install .*debootstrap"):
        preparing.prepare(Needs(images=("task",)), install=False, say=print)
    assert "debootstrap" in preparing.missing(Needs(images=("task",)))[0]


@pytest.mark.usefixtures("nothing_made")
def test_an_image_that_is_there_needs_no_packages(bare, monkeypatch):
    monkeypatch.setattr(images.making, "find", lambda which: which)
    preparing.prepare(Needs(images=("base", "task")), install=True, say=print)
    assert bare == []


def test_a_start_without_debootstrap_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendError, match="apt-get install -y --no-install-recommends deboot"):
        debian.make_root(tmp_path / "root", debian.PACKAGES)


@pytest.mark.usefixtures("bare")
def test_programs_that_go_into_images_are_missing_too():
    needs = registry.load("k8s").needs(Settings("k8s", provider="kind"))

    said = "\n".join(preparing.missing(needs))

    for name in ("kube-apiserver", "kubelet", "kubeadm", "coredns", "kind"):
        assert f"tool {name}: not built yet" in said


def test_every_package_is_in_the_one_list():
    for kind, provider in WAYS:
        needs = registry.load(kind).needs(Settings(kind, provider=provider))
        assert set(needs.packages) <= set(packages.PACKAGES)
