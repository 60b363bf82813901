"""Arrow: many records as columns, in one IPC stream."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import InputError, OutputError
from metaflow_extensions.functions.schema import write

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Arrow:
    """A list of objects as a table, and back."""

    name: str = "arrow"
    content_type: str = "application/vnd.apache.arrow.stream"
    needs: str = "pyarrow"

    def write(self, value: Any, schema: Mapping[str, Any]) -> bytes:  # noqa: ARG002 - a contract
        import pyarrow as pa

        rows = decode(write(value))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise OutputError("Arrow holds lists of objects: take JSON for this result")
        try:
            table = pa.Table.from_pylist(rows)
        except pa.ArrowException as error:
            raise OutputError(f"the results are no columns: {error}") from None
        written = io.BytesIO()
        with pa.ipc.new_stream(written, table.schema) as stream:
            stream.write_table(table)
        return written.getvalue()

    def read(self, written: bytes, schema: Mapping[str, Any]) -> Any:  # noqa: ARG002 - a contract
        import pyarrow as pa

        try:
            rows = pa.ipc.open_stream(written).read_all().to_pylist()
            encode(rows)
        except NoJsonError as error:
            raise InputError(f"Arrow that is no JSON: {error}") from None
        except (pa.ArrowException, OSError, EOFError) as error:
            raise InputError(f"no Arrow stream: {error}") from None
        return rows


FORMAT = Arrow()
