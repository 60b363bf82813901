"""A bound function written down: a few kB of JSON, with hashes of all that it stands on."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.artifacts import Artifact
from metaflow_extensions.functions.capture.archive import digest
from metaflow_extensions.functions.capture.environment import Environment
from metaflow_extensions.functions.declaring import Declaration
from metaflow_extensions.functions.errors import BadReferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "metaflow-open-functions"
MAJOR, MINOR = 1, 0
SHORT = 32  # characters of an id


@dataclass(frozen=True)
class Body:
    """Which function of the code it is, and what it says of itself."""

    name: str
    module: str | None  # None: pickled by value
    doc: str
    declared: Declaration
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Body:
        declared = Declaration(
            bool(said["batch"]), said["serializer"], bool(said["params"]), bool(said["async"])
        )
        schemas = (said["input_schema"], said["output_schema"])
        return cls(said["name"], said["module"], said.get("doc", ""), declared, *schemas)

    def as_dict(self) -> dict[str, Any]:
        declared = self.declared
        return {
            "name": self.name,
            "module": self.module,
            "doc": self.doc,
            "batch": declared.batch,
            "serializer": declared.serializer,
            "params": declared.takes_params,
            "async": declared.is_async,
            "input_schema": dict(self.input_schema),
            "output_schema": dict(self.output_schema),
        }


@dataclass(frozen=True)
class CodePackage:
    """The zip with the code."""

    sha256: str
    size: int
    files: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"code/{self.sha256}.zip"

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> CodePackage:
        return cls(said["sha256"], int(said["size"]), tuple(said["files"]))

    def as_dict(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "size": self.size, "files": list(self.files)}


@dataclass(frozen=True)
class Example:
    """A record with which the function was run at bind."""

    record: Any
    output_sha256: str
    milliseconds: float

    @classmethod
    def read(cls, said: Mapping[str, Any] | None) -> Example | None:
        if not said:
            return None
        return cls(said["record"], said["output_sha256"], float(said["milliseconds"]))

    def as_dict(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "output_sha256": self.output_sha256,
            "milliseconds": self.milliseconds,
        }


@dataclass(frozen=True)
class Reference:
    """All of it."""

    function: Body
    task: str  # pathspec
    environment: Environment
    code: CodePackage
    artifacts: Mapping[str, Artifact]
    created: str  # when, UTC
    user: str
    example: Example | None = None

    @property
    def uuid(self) -> str:
        """Identify what is run: not who bound it, when, where it lies, or how an example went."""
        stable = self.as_dict()
        for name in ("uuid", "created", "user", "example", "version"):
            stable.pop(name, None)
        stable["artifacts"] = {name: one.sha256 for name, one in self.artifacts.items()}
        return digest(json.dumps(stable, sort_keys=True).encode())[:SHORT]

    @property
    def key(self) -> str:
        return f"references/{self.uuid}.json"

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": f"{MAJOR}.{MINOR}",
            "function": self.function.as_dict(),
            "task": self.task,
            "environment": self.environment.as_dict(),
            "code": self.code.as_dict(),
            "artifacts": {name: one.as_dict() for name, one in sorted(self.artifacts.items())},
            "created": self.created,
            "user": self.user,
            "example": self.example.as_dict() if self.example else None,
        }

    def write(self) -> bytes:
        said = {"uuid": self.uuid, **self.as_dict()}
        return json.dumps(said, indent=1, ensure_ascii=False).encode()

    @classmethod
    def of(cls, said: Any, place: str) -> Reference:
        """Read it; BadReferenceError for what is none, newer, or altered. Unknown keys are left."""
        _check_format(said, place)
        try:
            found = cls._read(said)
        except (KeyError, TypeError, ValueError) as error:
            raise BadReferenceError(f"{place} is damaged: {error!r}") from None
        if said.get("uuid") != found.uuid:
            raise BadReferenceError(f"{place} was altered: its id is not that of its content")
        return found

    @classmethod
    def _read(cls, said: Mapping[str, Any]) -> Reference:
        artifacts = {name: Artifact.read(one) for name, one in said["artifacts"].items()}
        return cls(
            Body.read(said["function"]),
            said["task"],
            Environment.read(said["environment"]),
            CodePackage.read(said["code"]),
            artifacts,
            said.get("created", ""),
            said.get("user", ""),
            Example.read(said.get("example")),
        )

    def in_bundle(self) -> Reference:
        """Say where artifacts lie in a bundle."""
        placed = {
            name: replace(one, file=f"artifacts/{one.sha256}")
            for name, one in self.artifacts.items()
        }
        return replace(self, artifacts=placed)


def parsed(written: bytes, place: str) -> Any:
    """Read JSON; BadReferenceError if it is none."""
    try:
        return json.loads(written)
    except ValueError as error:
        raise BadReferenceError(f"{place} is no JSON: {error}") from None


def _check_format(said: Any, place: str) -> None:
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BadReferenceError(f"{place} is no reference of a function")
    major = str(said.get("version", "")).partition(".")[0]
    if not major.isdigit() or int(major) > MAJOR:
        raise BadReferenceError(
            f"{place} is of version {said.get('version')}, and this package reads {MAJOR}.x: "
            "upgrade metaflow-open-functions"
        )
