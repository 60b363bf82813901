"""What references say, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.binding import FOLDER
from metaflow_extensions.functions.codec import decode, encode
from metaflow_extensions.functions.errors import FunctionError, InputError
from metaflow_extensions.functions.handle import function_from_json
from metaflow_extensions.functions.loading import read_reference
from metaflow_extensions.functions.settings import root_said
from metaflow_extensions.functions.store import Folder, store_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from metaflow_extensions.functions.handle import JsonFunction
    from metaflow_extensions.functions.reference import Reference

UNITS = ("B", "kB", "MB", "GB")


def as_text(value: Any) -> str:
    """Write a value for programs, and people who read what programs do."""
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


@dataclass(frozen=True)
class Row:
    """A reference in one line."""

    created: str
    name: str
    task: str
    location: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    def line(self) -> str:
        return f"{self.created[:19]}  {self.name}  {self.task}  {self.location}"


def listed(root: str | None) -> list[Row]:
    """Find references, the newest first; FunctionError where that cannot be listed."""
    store = store_at(root or root_said() or _beside_runs())
    if not isinstance(store, Folder):
        raise FunctionError(f"{store.root}: only folders can be listed")
    rows = []
    for key in store.keys("references"):
        location = f"{store.root}/{key}"
        found, _ = read_reference(location)
        rows.append(Row(found.created, found.function.name, found.task, location))
    return sorted(rows, key=lambda row: row.created, reverse=True)


def _beside_runs() -> str:
    from metaflow.plugins.datastores.local_storage import LocalStorage

    root = LocalStorage.get_datastore_root_from_config(lambda _: None, create_on_absent=False)
    if root is None:
        raise FunctionError("no .metaflow here or above: give --root, or go where the runs are")
    return str(Path(root) / FOLDER)


def size(count: float) -> str:
    """Write a number of bytes for people."""
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:  # noqa: PLR2004 - a thousand
            break
        count /= 1000
    return f"{count:.3g} {unit}"


def shown(reference: Reference) -> list[str]:
    """Say what a reference holds, a line for each thing."""
    function = reference.function
    lines = [
        f"function     {function.name}",
        f"id           {reference.uuid}",
        f"task         {reference.task}",
        f"bound        {reference.created} by {reference.user}",
        f"takes        {encode(dict(function.input_schema)).decode()}",
        f"gives        {encode(dict(function.output_schema)).decode()}",
        f"code         {', '.join(reference.code.files)} ({size(reference.code.size)})",
        f"python       {reference.environment.python}",
        f"packages     {len(reference.environment.packages)}",
    ]
    lines += [f"artifact     {n} ({size(one.size)})" for n, one in reference.artifacts.items()]
    if reference.example:
        lines.append(f"example      {encode(reference.example.record).decode()}")
    return lines


def explained(location: str) -> list[str]:
    """Say in sentences what a function is, and what it would take to run it here."""
    reference, _ = read_reference(location)
    function, environment = reference.function, reference.environment
    what = "a list of records at once" if function.declared.batch else "one record"
    used = f" and {_names(reference.artifacts)} of {reference.task}" if reference.artifacts else ""
    code = f"Its code is {_names(reference.code.files)}; to load it runs that code, "
    lines = [f"{function.name} takes {what}{used}.", f"{code}and unpickles the artifacts."]
    differing = environment.differences()
    if not differing:
        lines.append("This interpreter has all its packages, so it runs with this one.")
        return lines
    lines.append(
        "It runs in an environment of its own, which is made at the first load, since here:"
    )
    return [*lines, *(f"  {line}" for line in differing)]


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def ran(location: str, record: str, lines: Iterable[str], backend: str) -> Iterator[str]:
    """Run a record, or one for each line; gives JSON. FunctionError says what was raised."""
    with function_from_json(location, backend=backend) as handle:
        for line in lines if record == "-" else [record]:
            yield _one(handle, line)


def _one(handle: JsonFunction, line: str) -> str:
    try:
        return bytes(handle.raw(encode(decode(line.encode())))).decode()
    except InputError:
        raise
    except Exception as error:
        raise FunctionError(f"{type(error).__name__}: {error}") from error
