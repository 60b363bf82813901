"""Binds a function to a finished task: everything is looked at before anything is written."""

from __future__ import annotations

import getpass
import inspect
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions import artifacts
from metaflow_extensions.functions.capture.archive import digest, pack, unpack, write_whole
from metaflow_extensions.functions.capture.code import Code
from metaflow_extensions.functions.capture.environment import Environment, minor
from metaflow_extensions.functions.declaring import declaration_of
from metaflow_extensions.functions.errors import BindError
from metaflow_extensions.functions.loading import Loaded, plan_of
from metaflow_extensions.functions.reference import Body, CodePackage, Reference
from metaflow_extensions.functions.schema import Signature
from metaflow_extensions.functions.serializers.registry import by_name
from metaflow_extensions.functions.settings import cache_folder, root_said
from metaflow_extensions.functions.store import Store, store_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from metaflow_extensions.functions.declaring import Declaration

FOLDER = "mf.functions"  # beside the flows, as Metaflow's own mf.cards
PYTHON_TAG = "python_version:"


@dataclass(frozen=True)
class Extras:
    """What a user adds to what is found out."""

    requirements: Iterable[str] = ()  # distributions that nothing imports by name
    include: Iterable[str] = ()  # files beside the function's own
    root: str | None = None  # where the reference is written


@dataclass(frozen=True)
class Prepared:
    """A reference and all it stands on, before anything of it is kept."""

    reference: Reference
    packed: bytes  # the code
    pickles: Mapping[str, bytes]  # of the artifacts, by hash
    store: Store

    @property
    def location(self) -> str:
        return f"{self.store.root}/{self.reference.key}"

    def loaded(self) -> Loaded:
        """Lay everything into the cache, as if it had been loaded."""
        folder = cache_folder()
        unpack(self.packed, folder / "code" / self.reference.code.sha256)
        for name, pickled in self.pickles.items():
            write_whole(folder / "artifacts" / name, pickled)
        return plan_of(self.reference, self.location)

    def keep(self, reference: Reference) -> None:
        """Write the reference, and the code it names before it."""
        self.store.write(reference.code.key, self.packed)
        self.store.write(reference.key, reference.write())


def prepare(function: Callable[..., Any], task: Any, extras: Extras) -> Prepared:
    """Look at a function and a task; BindError if they do not fit."""
    declared = declaration_of(function)
    by_name(declared.serializer)
    signature = Signature.of(function, declared)
    task = finished(task)
    found = _artifacts(function, task, signature.params) if declared.takes_params else {}
    modules = {name for one in found.values() for name in one.modules}
    code = Code.of(function, also=modules, include=extras.include)
    packed = pack(code.files)
    reference = Reference(
        _body(function, code, declared, signature),
        task.pathspec,
        Environment.of(code.imported, extras.requirements),
        CodePackage(digest(packed), len(packed), tuple(sorted(code.files))),
        {name: one.artifact for name, one in found.items()},
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
        user(),
    )
    store = store_at(extras.root or root_said() or beside(task))
    pickles = {one.artifact.sha256: one.pickled for one in found.values()}
    return Prepared(reference, packed, pickles, store)


def _artifacts(
    function: Callable[..., Any], task: Any, params: type | None
) -> Mapping[str, artifacts.Found]:
    found = artifacts.find(task, artifacts.used_names(function, params))
    artifacts.check_types(params, found)
    return found


def _body(
    function: Callable[..., Any], code: Code, declared: Declaration, signature: Signature
) -> Body:
    doc = inspect.cleandoc(function.__doc__ or "")
    schemas = (signature.input_schema, signature.output_schema)
    return Body(code.name, code.module, doc, declared, *schemas)


def finished(task: Any) -> Any:
    """Give the task; BindError unless it is there, in this namespace, and has succeeded."""
    from metaflow import Task
    from metaflow.exception import MetaflowException

    try:
        task = Task(task) if isinstance(task, str) else task
        if not isinstance(task, Task):
            raise BindError(f"task={task!r}: a Task or the pathspec of one is wanted")
        done, well = task.finished, task.successful
    except MetaflowException as error:
        raise BindError(f"task {task}: {error}") from None
    if not well:
        state = "has failed" if done else "has not finished"
        raise BindError(f"{task.pathspec} {state}: bind to a task that has succeeded")
    _same_python(task)
    return task


def _same_python(task: Any) -> None:
    tags = (tag for tag in task.system_tags if tag.startswith(PYTHON_TAG))
    ran = next(tags, "").removeprefix(PYTHON_TAG)
    if ran and minor(ran) != minor(platform.python_version()):
        raise BindError(
            f"{task.pathspec} ran on Python {ran}, and this is {platform.python_version()}: bind "
            f"with Python {minor(ran)}, so that the packages captured are of that version"
        )


def beside(task: Any) -> str:
    """Give the folder for references in the datastore that the task's artifacts are in."""
    one = next(iter(task), None)
    if one is None:
        raise BindError(f"{task.pathspec} has no artifacts, so no datastore is known: give root=")
    place = artifacts.place_of(one, task.path_components[0])
    return f"{place.rstrip('/')}/{FOLDER}"


def user() -> str:
    """Name the user as Metaflow does."""
    for name in ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER"):
        if os.environ.get(name):
            return os.environ[name]
    with suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return "unknown"
