"""Types of a function to checks of its records and results, and to JSON Schema."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import DeclarationError, InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_extensions.functions.declaring import Declaration

PLAIN = {dict: "object", list: "array", str: "string", bool: "boolean"}
UNSAID = (inspect.Parameter.empty, Any, None)


class Reader(typing.Protocol):
    """Makes what the function takes of what the wire holds; InputError if it does not fit."""

    def from_bytes(self, written: bytes | bytearray) -> Any: ...
    def from_value(self, value: Any) -> Any: ...


@dataclass(frozen=True)
class PlainReader:
    """Takes JSON as it is, of one kind or of any."""

    kind: type | None

    def from_bytes(self, written: bytes | bytearray) -> Any:
        return self.from_value(decode(written))

    def from_value(self, value: Any) -> Any:
        if self.kind is None or type(value) is self.kind:
            return value
        wanted = PLAIN[self.kind]
        message = f"a JSON {wanted} is wanted, not {type(value).__name__}"
        raise InputError(message, [{"type": wanted, "loc": [], "msg": message}])


@dataclass(frozen=True)
class TypedReader:
    """Takes what pydantic makes of JSON for a type."""

    adapter: Any
    name: str

    def from_bytes(self, written: bytes | bytearray) -> Any:
        from pydantic import ValidationError

        try:
            return self.adapter.validate_json(written)
        except ValidationError as error:
            raise _input_error(self.name, error) from None

    def from_value(self, value: Any) -> Any:
        return self.from_bytes(encode(value))  # JSON rules, as for one record


def _input_error(name: str, error: Any) -> InputError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [{**one, "loc": list(one["loc"])} for one in found]
    first = errors[0]
    place = ".".join(map(str, first["loc"])) or "the record"
    more = f" (and {len(errors) - 1} more)" if errors[1:] else ""
    return InputError(f"no {name}: {place}: {first['msg']}{more}", errors)


class Writer(typing.Protocol):
    """Makes a JSON value of a result; OutputError if it does not fit."""

    def __call__(self, result: Any) -> Any: ...


@dataclass(frozen=True)
class PlainWriter:
    """Lets pass what is of one kind, or anything."""

    kind: type | None

    def __call__(self, result: Any) -> Any:
        if self.kind is None or isinstance(result, self.kind):
            return result
        wanted = self.kind.__name__
        raise OutputError(f"the function says it returns {wanted}, and returned {_kind(result)}")


@dataclass(frozen=True)
class TypedWriter:
    """Lets pass what pydantic takes for a type, as pydantic writes it."""

    adapter: Any
    name: str

    def __call__(self, result: Any) -> Any:
        from pydantic import ValidationError

        try:
            return self.adapter.dump_python(self.adapter.validate_python(result), mode="json")
        except ValidationError as error:
            (first, *_) = error.errors(include_url=False)
            place = ".".join(map(str, first["loc"])) or "the result"
            raise OutputError(f"no {self.name}: {place}: {first['msg']}") from None
        except ValueError as error:  # pydantic's own for what it cannot serialize
            raise OutputError(f"{self.name} has no JSON: {error}") from None


def _kind(result: Any) -> str:
    return "None" if result is None else type(result).__name__


def write(result: Any) -> bytes:
    """Write a result that a writer let pass; OutputError if it has no JSON."""
    try:
        return encode(result)
    except NoJsonError as error:
        raise OutputError(f"the result has no JSON: {error}") from None


@dataclass(frozen=True)
class Signature:
    """How a function reads and writes, and what it says of that to others."""

    reader: Reader
    writer: Writer
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    params: type | None  # the annotation of `params`

    @classmethod
    def of(cls, function: Callable[..., Any], declared: Declaration) -> Signature:
        """Read the annotations; DeclarationError for a type that has no JSON."""
        hints = _hints(function)
        names = list(inspect.signature(function).parameters)
        taken, given = hints.get(names[0], Any), hints.get("return", Any)
        if declared.batch:
            taken, given = _element(taken), _element(given)
        params = hints.get(names[1]) if declared.takes_params else None
        return cls(
            _reader(taken),
            _writer(given),
            _schema(taken, "validation"),
            _schema(given, "serialization"),
            params if isinstance(params, type) else None,
        )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"{function.__name__}: an annotation cannot be resolved: {error}; import it at run "
            "time, not under TYPE_CHECKING"
        ) from None


def _element(hint: Any) -> Any:
    """Give the type of a record of a batch: X of list[X]."""
    if hint in UNSAID or hint is list:
        return Any
    if typing.get_origin(hint) is not list:
        raise DeclarationError(f"batch=True: {hint} is no list: annotate list[...]")
    return typing.get_args(hint)[0]


def _plain(hint: Any) -> bool:
    return hint in UNSAID or hint in PLAIN or (typing.get_origin(hint) is None and hint is object)


def _reader(hint: Any) -> Reader:
    if _plain(hint):
        return PlainReader(hint if hint in PLAIN else None)
    return TypedReader(_adapter(hint), _name(hint))


def _writer(hint: Any) -> Writer:
    if _plain(hint):
        return PlainWriter(hint if hint in PLAIN else None)
    return TypedWriter(_adapter(hint), _name(hint))


def _name(hint: Any) -> str:
    return str(getattr(hint, "__name__", hint))


def _adapter(hint: Any) -> Any:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        return TypeAdapter(hint)
    except PydanticUserError as error:
        (line, *_) = str(error).splitlines()
        raise DeclarationError(f"{_name(hint)} is no type that has JSON: {line}") from None


def _schema(hint: Any, mode: str) -> dict[str, Any]:
    if _plain(hint):
        return {"type": PLAIN[hint]} if hint in PLAIN else {}
    from pydantic.errors import PydanticInvalidForJsonSchema

    try:
        schema: dict[str, Any] = _adapter(hint).json_schema(mode=mode)
    except PydanticInvalidForJsonSchema as error:
        raise DeclarationError(f"{_name(hint)} has no JSON Schema: {error.message}") from None
    return schema
