from __future__ import annotations

import pytest
from metaflow_backends import registry
from metaflow_backends.errors import BackendError
from metaflow_backends.fake import Fake
from metaflow_backends.local import Local
from metaflow_backends.protocol import Backend


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution that brings a backend, as far as importlib.metadata can tell."""

    def add(name: str, kind: str, value: str, source: str = "") -> None:
        site = tmp_path / name
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[metaflow_backends]\n{kind} = {value}\n")
        (site / f"{value.partition(':')[0]}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))

    return add


@pytest.mark.parametrize(("kind", "cls"), [("local", Local), ("fake", Fake)])
def test_our_own_backends_are_found_and_keep_the_contract(kind, cls):
    backend = registry.load(kind)

    assert isinstance(backend, cls)
    assert isinstance(backend, Backend)
    assert kind == backend.kind
    assert kind in registry.kinds()


@pytest.mark.parametrize(
    ("kind", "advice"), [("loacl", "did you mean 'local'?"), ("xyzzy", "there is: ")]
)
def test_an_unknown_kind_says_what_was_probably_meant(kind, advice):
    with pytest.raises(registry.UnknownBackendError) as caught:
        registry.load(kind)

    assert f"unknown backend kind {kind!r}; " in str(caught.value)
    assert advice in str(caught.value)
    assert isinstance(caught.value, LookupError)


def test_a_third_partys_backend_is_found(install):
    install("good", "good", "good_backend:Good", "from metaflow_backends.fake import Fake as Good")

    assert "good" in registry.kinds()
    assert isinstance(registry.load("good"), Fake)


@pytest.mark.parametrize(
    ("value", "source", "reason"),
    [
        ("bad1:Bad", "import no_such_module", "cannot be loaded: ModuleNotFoundError: No module"),
        ("bad2:Bad", "", "cannot be loaded: AttributeError: "),
        ("bad3:Bad", "def Bad(): 1 / 0", "cannot be loaded: ZeroDivisionError: division"),
        ("bad4:Bad", "class Bad: kind = 'bad'", "is no Backend: bad4:Bad lacks capabilities, "),
    ],
    ids=["import", "no class", "constructor", "contract"],
)
def test_a_broken_third_party_is_named_and_harms_no_other(install, value, source, reason):
    install("their-dist", "bad", value, source)

    with pytest.raises(BackendError) as caught:
        registry.load("bad")

    assert f"backend kind 'bad' of the distribution their-dist 1.0 {reason}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(registry.load("local"), Local)


def test_two_distributions_with_one_kind_are_refused(install):
    install("other", "local", "other_local:Local")

    with pytest.raises(BackendError, match=r"brought by metaflow-backends .* and other 1\.0; unin"):
        registry.load("local")
