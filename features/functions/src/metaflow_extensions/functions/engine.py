"""Runs a function on what the wire holds; the same code under every backend, so one meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import InputError, OutputError
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.looping import Looping
from metaflow_extensions.functions.schema import Signature, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metaflow_extensions.functions.declaring import Declaration
    from metaflow_extensions.functions.process.wire import Payload


WRITTEN = (Failure, orjson.Fragment)


@dataclass(frozen=True)
class Engine:
    """A loaded function with its artifacts, from bytes to bytes."""

    function: Callable[..., Any]
    declared: Declaration
    signature: Signature
    params: Any
    private: str = ""  # prefix of the modules that its code was loaded as
    looping: Looping = field(default_factory=Looping)

    def call(self, payload: Payload) -> bytes:
        """Run one record; raises what the function does."""
        record = self.signature.reader.from_bytes(payload)
        if self.declared.batch:
            (result,) = self._batch([record])
        else:
            result = self._run(record)
        return write(self.signature.writer(result))

    def map(self, payload: Payload) -> bytes:
        """Run a list of records; gives `{"values": [...], "failures": {index: failure}}`.

        A failed record costs itself only; its value is null.
        """
        records = decode(payload)
        rows = self._rows(records) if self.declared.batch else [self._row(one) for one in records]
        try:
            return _answer(rows)
        except NoJsonError:  # in a batch; of which row, is looked for only now
            return _answer([self._checked(row) for row in rows])

    def _row(self, record: Any) -> Any:
        """Run a record and write its result at once: the next call may alter the same object."""
        try:
            result = self._run(self.signature.reader.from_value(record))
            return orjson.Fragment(write(self.signature.writer(result)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told to the caller
            return Failure.of(error, self.private)

    def _checked(self, row: Any) -> Any:
        """Give a row, or the failure that it has no JSON."""
        try:
            return row if isinstance(row, WRITTEN) else orjson.Fragment(write(row))
        except OutputError as error:
            return Failure.of(error, self.private)

    def _rows(self, records: Sequence[Any]) -> list[Any]:
        """Run records at once; if that fails, one by one, so that only the bad ones do."""
        read = [self._read(record) for record in records]
        good = [record for record in read if not isinstance(record, Failure)]
        results = iter(self._results(good))
        return [record if isinstance(record, Failure) else next(results) for record in read]

    def _read(self, record: Any) -> Any:
        try:
            return self.signature.reader.from_value(record)
        except InputError as error:
            return Failure.of(error, self.private)

    def _results(self, good: Sequence[Any]) -> list[Any]:
        try:
            return [self.signature.writer(result) for result in self._batch(good)]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told to the caller
            if len(good) == 1:
                return [Failure.of(error, self.private)]
            return [row for record in good for row in self._results([record])]

    def _batch(self, records: Sequence[Any]) -> list[Any]:
        if not records:
            return []
        results = self._run(list(records))
        if not isinstance(results, list) or len(results) != len(records):
            got = f"{len(results)} results" if isinstance(results, list) else type(results).__name__
            raise OutputError(f"a batch of {len(records)} records gave {got}, not as many results")
        return results

    @cached_property
    def _run(self) -> Callable[[Any], Any]:
        """Give what runs the function on a record that was read; made once, used for each."""
        function, params, looping = self.function, self.params, self.looping
        taking = self.declared.takes_params
        if self.declared.is_async:
            given = (params,) if taking else ()
            return lambda record: looping.run(function(record, *given))
        return (lambda record: function(record, params)) if taking else function


def _answer(rows: Sequence[Any]) -> bytes:
    """Write rows down; NoJsonError if one has no JSON."""
    failures = {str(n): row.as_dict() for n, row in enumerate(rows) if isinstance(row, Failure)}
    values = [None if isinstance(row, Failure) else row for row in rows] if failures else rows
    return b'{"values":%s,"failures":%s}' % (encode(values), orjson.dumps(failures))
