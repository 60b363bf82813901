"""What a schema cannot say: names that must exist, dates, durations, patterns that can match."""

from __future__ import annotations

import datetime as dt
import fnmatch
import keyword
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends import capabilities
from pytest_metaflow_backends.matrix import durations
from pytest_metaflow_backends.matrix.mistake import Mistake, dotted, shown
from pytest_metaflow_backends.matrix.patterns import bad_glob, bad_path, bad_regex, bad_test
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pytest_metaflow_backends.matrix.mistake import Place

# Markers of pytest, of common plugins and of this one, which no backend's marker may be.
TAKEN = frozenset(
    {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings", "tryfirst",
     "trylast", "hookwrapper", "optionalhook", "timeout", "flaky", "asyncio", "anyio",
     "xdist_group", "no_cover", "benchmark", "django_db", "smoke", "slow", "faults", "needs",
     "backends"}
)  # fmt: skip
NAME, ITEM = object(), object()  # in a way: every key of a mapping, every item of a list
LONGEST = dt.timedelta(days=366)  # that a known failure may be known
SOME_TEST = "zq/test_zq.py::test_zq"  # a pattern that matches this one is about no test
# Characters without a glyph that Unicode counts as letters, marks or signs.
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(
    map(chr, range(0xFE00, 0xFE10))
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Facts:
    """What a value is held against."""

    kinds: Collection[str]  # of backends that are installed
    names: Collection[str]  # backends and columns of this matrix
    prefix: str  # of markers


def nonsense(data: Any, kinds: Collection[str]) -> Iterator[Mistake]:  # noqa: ANN401
    """Yield mistakes in what has the right shape; what has not is passed over."""
    prefix = data.get("marker_prefix", "")
    facts = Facts(kinds, _names(data), prefix if isinstance(prefix, str) else "")
    for way, check in CHECKS:
        for place, value in found(data, way):
            if isinstance(value, (str, int, float)) and (text := check(value, facts)):
                yield Mistake(place, f"{dotted(place)}: {text}")
    for place, backend in found(data, ("backends", NAME)):
        yield from _backend(place, backend, facts)
    yield from _repeated_expectations(data)
    yield from _sharing(data)


def found(data: Any, way: Sequence[Any], place: Place = ()) -> Iterator[tuple[Place, Any]]:  # noqa: ANN401
    """Yield (place, value) of everything that a way such as ("backends", NAME, "kind") leads to."""
    if not way:
        yield place, data
        return
    inner: list[str | int] = []
    if way[0] is ITEM:
        inner = list(range(len(data))) if isinstance(data, list) else []
    elif isinstance(data, dict):
        inner = list(data) if way[0] is NAME else [way[0]] if way[0] in data else []
    for part in inner:
        yield from found(data[part], way[1:], (*place, part))


def _names(data: Any) -> set[str]:  # noqa: ANN401
    backends = {str(place[-1]) for place, _ in found(data, ("backends", NAME))}
    variants = found(data, ("backends", NAME, "variants", NAME))
    return backends | {f"{place[1]}/{place[3]}" for place, _ in variants}


def _kind(value: Any, facts: Facts) -> str:  # noqa: ANN401
    if value in facts.kinds:
        return ""
    return f"unknown kind {shown(value)}, none such is installed{_near(value, facts.kinds)}"


def _capability(value: Any, _: Facts) -> str:  # noqa: ANN401
    if value in capabilities.VOCABULARY:
        return ""
    return f"unknown capability {shown(value)}{_near(value, capabilities.VOCABULARY)}"


def _column(value: Any, facts: Facts) -> str:  # noqa: ANN401
    known = value in facts.names
    return "" if known else f"unknown backend {shown(value)}{_near(value, facts.names)}"


def _duration(value: Any, _: Facts) -> str:  # noqa: ANN401
    try:
        durations.seconds(value)
    except ValueError as error:
        return str(error)
    return ""


def _date(value: Any, _: Facts) -> str:  # noqa: ANN401
    if not _DATE.fullmatch(str(value)):
        return f"{shown(value)} is not a date (YYYY-MM-DD)"
    try:
        date = dt.date.fromisoformat(value)
    except ValueError as error:
        return f"{shown(value)} is not a date: {error}"
    if date - dt.datetime.now(tz=dt.timezone.utc).date() > LONGEST:
        return f"{value} is more than a year away; look again within a year"
    return ""


def _one_test(pattern: str) -> str:
    if not fnmatch.fnmatchcase(SOME_TEST, pattern):
        return ""
    return f"{shown(pattern)} matches every test; name the ones that are known to fail"


def _visible(text: str) -> str:
    if any(unicodedata.category(char)[0] not in "CZ" and char not in BLANK for char in text):
        return ""
    return "must not be empty, nor only white space or characters that are not seen"


def _near(value: Any, known: Collection[str]) -> str:  # noqa: ANN401
    return did_you_mean(value, known) if isinstance(value, str) else ""


def _texts(check: Callable[[str], str]) -> Callable[[Any, Facts], str]:
    return lambda value, _: check(value) if isinstance(value, str) else ""


_SETTINGS = (("defaults",), ("backends", NAME), ("backends", NAME, "variants", NAME))
CHECKS: Sequence[tuple[tuple[Any, ...], Callable[[Any, Facts], str]]] = (
    (("backends", NAME, "kind"), _kind),
    *(((*way, "provides", ITEM), _capability) for way in _SETTINGS),
    *(((*way, "timeout"), _duration) for way in _SETTINGS),
    *(((*way, "start", "timeout"), _duration) for way in _SETTINGS),
    (("expect_failures", ITEM, "backend"), _column),
    (("expect_failures", ITEM, "until"), _date),
    (("expect_failures", ITEM, "test"), _texts(_one_test)),
    (("expect_failures", ITEM, "reason"), _texts(_visible)),
    (("expect_failures", ITEM, "owner"), _texts(_visible)),
    (("select", "rules", ITEM, "backends", ITEM), _column),
    (("select", "rules", ITEM, "paths", ITEM), _texts(bad_path)),
    (("select", "rules", ITEM, "tests", ITEM), _texts(bad_test)),
    (("select", "always", ITEM), _texts(bad_path)),
    (("redact", "env", ITEM), _texts(bad_glob)),
    (("redact", "patterns", ITEM), _texts(bad_regex)),
)


def _backend(place: Place, backend: Any, facts: Facts) -> Iterator[Mistake]:  # noqa: ANN401
    name = f"{facts.prefix}{place[-1]}"
    if name in TAKEN or keyword.iskeyword(name):
        owner = "a word of Python" if keyword.iskeyword(name) else "a marker of pytest or a plugin"
        yield Mistake(place, f"no backend can have the marker {name!r}: it is {owner}", at_key=True)
    if isinstance(backend, dict) and backend.get("base") is False and not backend.get("variants"):
        yield Mistake((*place, "base"), "base: false needs at least one variant")


def _repeated_expectations(data: Any) -> Iterator[Mistake]:  # noqa: ANN401
    first: dict[tuple[str, str], int] = {}
    for place, entry in found(data, ("expect_failures", ITEM)):
        if not isinstance(entry, dict):
            continue
        key = (str(entry.get("backend")), str(entry.get("test")))
        number = first.setdefault(key, int(place[-1]))
        if number != place[-1] and {"backend", "test"} <= entry.keys():
            yield Mistake(place, f"the same backend and test as in expect_failures[{number}]")


def _sharing(data: Any) -> Iterator[Mistake]:  # noqa: ANN401
    """Yield columns that share what is no column of its own."""
    ways = (("backends", NAME, "shares"), ("backends", NAME, "variants", NAME, "shares"))
    named = [hit for way in ways for hit in found(data, way)]
    shares = {place: host for place, host in named if isinstance(host, str)}
    columns = _columns(data)
    guests = {guest for place in shares for guest in _sharers(place, columns)}
    for place, host in shares.items():
        if host not in columns:
            near = _near(host, columns - guests)
            yield Mistake(place, f"{dotted(place)}: no column is named {shown(host)}{near}")
        elif host in guests:
            yield Mistake(place, f"{dotted(place)}: {shown(host)} is not started by itself")


def _sharers(place: Place, columns: Collection[str]) -> Iterator[str]:
    """Name the columns that `shares` at a place is said of: a backend's variants share with it."""
    _, backend, *below = map(str, place)
    if len(below) > 1:
        yield f"{backend}/{below[1]}"
    else:
        yield from (name for name in columns if name.partition("/")[0] == backend)


def _columns(data: Any) -> set[str]:  # noqa: ANN401
    """Name the columns: a backend with `base: false` is none."""
    bare = {str(p[1]) for p, value in found(data, ("backends", NAME, "base")) if value is False}
    return _names(data) - bare
