"""What of an artifact is compared between backends."""

from __future__ import annotations

import gzip

import pytest
from pytest_metaflow_backends.flow.artifacts import comparable


@pytest.fixture
def included(tmp_path):
    """Include a file as Metaflow does; the artifact is only where to find it."""
    from metaflow.includefile import IncludedFile

    def include(name, content):
        path = tmp_path / name
        path.write_bytes(gzip.compress(content))
        where = {"type": "uploader-v2", "sub-type": "uploaded", "url": f"local://{path}"}
        return IncludedFile({**where, "is_text": False, "encoding": None, "size": len(content)})

    return include


def test_of_an_included_file_its_content_counts_and_not_where_it_lies(included):
    here, there, other = included("a", b"same"), included("b", b"same"), included("c", b"else")

    assert comparable(here) == comparable(there) == b"same"
    assert comparable(here) != comparable(other)


def test_an_included_file_that_is_gone_is_no_content(included, tmp_path):
    file = included("a", b"same")
    (tmp_path / "a").unlink()

    with pytest.raises(FileNotFoundError, match="does not exist"):
        comparable(file)
