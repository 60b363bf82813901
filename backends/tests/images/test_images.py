"""Images: the same bytes for the same files, made once."""

from __future__ import annotations

import json
import os
import tarfile

import pytest
from metaflow_backends import cache, images
from metaflow_backends.errors import BackendError
from metaflow_backends.images import archive, debian


@pytest.fixture
def tree(tmp_path):
    """Make the same tree again, in another order and at another time."""

    def make(name, names):
        root = tmp_path / name
        for entry in names:
            path = root / entry
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(entry)
        (root / "link").symlink_to("a/one")
        os.link(root / "a/one", root / "twin")
        os.utime(root / "a/one", (1, 1 if name == "x" else 2))
        return root

    return make


def test_a_layer_is_the_same_whenever_and_in_whatever_order_it_was_made(tmp_path, tree):
    names = ["a/one", "b/two", "größe"]
    first = archive.write_layer(tree("x", names), tmp_path / "1.tar")
    second = archive.write_layer(tree("y", names[::-1]), tmp_path / "2.tar")

    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()
    with tarfile.open(first.path) as tar:
        members = {m.name: (m.type, m.linkname, m.mtime) for m in tar}
        assert tar.extractfile("twin").read() == b"a/one"
    assert members["link"] == (tarfile.SYMTYPE, "a/one", 0)
    assert members["twin"][0] == tarfile.REGTYPE


def test_an_archive_names_its_layers_and_how_it_starts(tmp_path, tree):
    layer = archive.write_layer(tree("x", ["a/one"]), tmp_path / "layer.tar")
    config = archive.Config(entrypoint=["/a"], command=["b"], environment={"C": "d"})

    archive.write(tmp_path / "image.tar", "docker.io/x/y:1", [layer], config)

    with tarfile.open(tmp_path / "image.tar") as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json"))
        described = json.load(tar.extractfile(manifest["Config"]))
        assert cache.sha256(layer.path) == manifest["Layers"][0].removesuffix(".tar")
    assert manifest["RepoTags"] == ["docker.io/x/y:1"]
    assert described["rootfs"]["diff_ids"] == [f"sha256:{layer.digest}"]
    assert described["config"]["Entrypoint"] == ["/a"]
    assert described["config"]["Cmd"] == ["b"]
    assert described["config"]["Env"] == ["C=d"]


def test_what_is_in_an_image_of_one_program_is_that_program():
    image = images.ensure("pause")

    with tarfile.open(image.archive) as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json"))
        with tarfile.open(fileobj=tar.extractfile(manifest["Layers"][0])) as layer:
            names = {member.name: member.mode for member in layer}
    assert names == {"pause": 0o755, "tmp": 0o1777}
    assert manifest["RepoTags"] == [image.name]
    assert image == images.find("pause") == images.ensure("pause")


def test_a_cache_that_was_carried_without_unpacked_files_has_them_again(tmp_path, monkeypatch):
    """Those who carry it may not be root, and cannot read them."""
    image = images.ensure("base")
    expected = listed(image.archive.with_name("root"))
    carried = tmp_path / "metaflow-extras/images" / image.archive.parent.name
    carried.mkdir(parents=True)
    for path in image.archive.parent.glob("*.tar*"):
        (carried / path.name).symlink_to(path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    root = images.unpacked("base")

    assert root.parent == carried
    assert listed(root) == expected
    assert len(expected) > 5_000


def listed(root):
    """List all files with what an image says of them."""
    found = {}
    for path in root.rglob("*"):
        state = path.lstat()
        size = state.st_size if path.is_file() and not path.is_symlink() else 0
        target = str(path.readlink()) if path.is_symlink() else ""
        name = str(path.relative_to(root))
        found[name] = (state.st_mode, state.st_uid, state.st_gid, size, target)
    return found


def test_an_unknown_image_is_named_with_the_nearest():
    with pytest.raises(BackendError, match="unknown image 'tsk'; did you mean 'task'"):
        images.ensure("tsk")


MIRRORS = {
    "list": ("deb http://a/debian bookworm main\n# deb http://b x y", ["http://a/debian"]),
    "list with options": ("deb [arch=amd64 signed-by=/k] http://a bookworm main", ["http://a"]),
    "sources": ("Types: deb\nURIs: http://a/debian\nSuites: bookworm\n", ["http://a/debian"]),
    "security only": ("deb http://a/debian-security bookworm-security main", []),
    "none": ("", []),
}


@pytest.mark.parametrize(("text", "found"), MIRRORS.values(), ids=MIRRORS)
def test_mirrors_are_found_in_both_formats_of_apt(text, found):
    expected = found

    actual = list(debian.mirrors(text))

    assert expected == actual
