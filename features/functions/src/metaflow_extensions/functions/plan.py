"""What a process needs to know to have a function: paths on this machine, all checked."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_extensions.functions.capture.code import PICKLE
from metaflow_extensions.functions.declaring import Declaration
from metaflow_extensions.functions.engine import Engine
from metaflow_extensions.functions.parameters import FunctionParameters
from metaflow_extensions.functions.private import PrivateCode
from metaflow_extensions.functions.schema import Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


@dataclass(frozen=True)
class Plan:
    """Code, the function in it, and files with the pickles of artifacts."""

    folder: str
    digest: str
    places: tuple[str, ...]
    module: str | None
    name: str
    declared: Declaration
    artifacts: Mapping[str, str]

    def write(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, written: str) -> Plan:
        said = json.loads(written)
        declared = Declaration(**said.pop("declared"))
        return cls(**{**said, "places": tuple(said["places"])}, declared=declared)

    def assemble(self) -> Engine:
        """Load the function and its artifacts into this process; this runs their code."""
        code = PrivateCode.of(Path(self.folder), self.digest, self.places)
        function = self._function(code)
        signature = Signature.of(function, self.declared)
        given = self._params(code, signature.params) if self.declared.takes_params else None
        declared = replace(self.declared, is_async=inspect.iscoroutinefunction(function))
        return Engine(function, declared, signature, given, code.dotted)

    def _function(self, code: PrivateCode) -> Callable[..., Any]:
        if self.module is not None:
            return code.function(self.module, self.name)
        found: Callable[..., Any] = code.unpickle((code.folder / PICKLE).read_bytes())
        return found

    def _params(self, code: PrivateCode, kind: type | None) -> Any:
        values = {n: code.unpickle(Path(p).read_bytes()) for n, p in self.artifacts.items()}
        return (kind or FunctionParameters)(**values)
