"""Whatever is done to a matrix: it loads, or the very place that was damaged is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from ruamel.yaml import YAML
from ruamel.yaml.tokens import KeyToken, ScalarToken

KINDS = ("local", "fake")
TEXT = Path(__file__).with_name("sample.yaml").read_text(encoding="utf-8")
FREE = re.compile(r"\b(options|deploy_args): ")  # what stands behind these may be anything
LINE = re.compile(r".*matrix\.yaml:(\d+):(\d+): \S.*")


def scalars():
    """Yield (line:col, start, end, is it a key) of each scalar, as YAML's scanner sees them."""
    before = None
    for token in YAML(typ="safe", pure=True).scan(TEXT):
        if isinstance(token, ScalarToken):
            start = token.start_mark
            line = TEXT.splitlines()[start.line][: start.column]
            if not FREE.search(line):
                place = f"{start.line + 1}:{start.column + 1}"
                yield place, start.index, token.end_mark.index, isinstance(before, KeyToken)
        before = token


SCALARS = list(scalars())


@pytest.mark.parametrize(
    ("place", "start", "end", "is_key"), SCALARS, ids=[place for place, *_ in SCALARS]
)
def test_a_wrong_word_is_named_at_its_own_place(tmp_path, place, start, end, is_key):
    """Every single key and value of a file with all keys, made wrong one by one."""
    poison = '"poi son"' if is_key else "{poi: son}"
    line_end = "\n" if "\n" in TEXT[start:end] else ""
    path = tmp_path / "matrix.yaml"
    path.write_text(f"{TEXT[:start]}{poison}{line_end}{TEXT[end:]}", encoding="utf-8")

    with pytest.raises(UsageError) as caught:
        load(path, KINDS)

    places = [":".join(LINE.fullmatch(said).groups()) for said in str(caught.value).splitlines()]
    assert place in places


def test_the_sample_has_every_key_of_the_schema(keys_of_schema):
    words = set(re.findall(r"[a-z_]+(?=:)", TEXT))

    assert keys_of_schema - words == set()


JUNK = st.one_of(
    st.sampled_from(
        ["\t", "\0", "\n", "- ", ": ", "&a ", "*a", "*k8s", "{", "}", "[", "]", "!!set ", "<<: ",
         "? ", "'", '"', "|", ">", "%YAML 1.1\n---\n", "---\n", "...\n", "#", "\r", "\x85",
         "\ufeff", "1e999", ".nan", "0x", "~", "9" * 5000, "\\ud800", "on", "-1", "2027-13-01"]
    ),
    st.text(max_size=6),
)  # fmt: skip
SPOT = st.integers(0, len(TEXT))


def accepted_or_placed(path):
    """Load; what is refused must be refused line by line, with places that are in the file."""
    try:
        load(path, KINDS)
    except UsageError as error:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
        for said in str(error).splitlines():
            line, column = map(int, LINE.fullmatch(said).groups())
            assert 1 <= line <= len(lines) + 1
            assert 1 <= column <= max(map(len, lines), default=0) + 1


damage = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@damage
@given(spot=SPOT, length=st.integers(0, 40), junk=JUNK)
def test_any_text_put_anywhere_is_accepted_or_placed(tmp_path, spot, length, junk):
    path = tmp_path / "matrix.yaml"
    path.write_bytes(f"{TEXT[:spot]}{junk}{TEXT[spot + length :]}".encode("utf-8", "ignore"))

    accepted_or_placed(path)


@damage
@given(data=st.data(), how=st.sampled_from(["drop", "repeat", "swap", "indent"]))
def test_any_lines_out_of_order_are_accepted_or_placed(tmp_path, data, how):
    lines = TEXT.splitlines()
    one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    if how == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    else:
        new = {"drop": [], "repeat": [lines[one]] * 2, "indent": [f"  {lines[one]}"]}
        lines[one : one + 1] = new[how]
    path = tmp_path / "matrix.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")

    accepted_or_placed(path)


@damage
@given(content=st.binary(max_size=60))
def test_any_bytes_are_accepted_or_placed(tmp_path, content):
    path = tmp_path / "matrix.yaml"
    path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        load(path, KINDS)

    assert all(LINE.fullmatch(line) for line in str(caught.value).splitlines())
