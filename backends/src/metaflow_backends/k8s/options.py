"""What the matrix may say about a Kubernetes column."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.options import OptionError, check_names, nearest

if TYPE_CHECKING:
    from metaflow_backends.protocol import Settings

PROVIDERS = ("embedded", "kind", "external")
EXTERNAL_ONLY = ("kubeconfig", "context", "image", "s3_endpoint", "s3_root", "address")


@dataclass(frozen=True)
class Options:
    """The options, checked.

    `argo`: whether workflows can run, too. `max_workers`: how many tasks of a flow run at once.
    The others are for `external`: whose cluster it is (`kubeconfig`, `context`), an `image` that
    its nodes can pull, and a store that pods reach, `s3_endpoint` and `s3_root`, with the keys in
    the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY); or, where pods reach this machine,
    its `address`: then a store is started on it.
    """

    provider: str = "embedded"
    argo: bool = True
    max_workers: int = 4
    kubeconfig: str = ""
    context: str = ""
    image: str = ""
    s3_endpoint: str = ""
    s3_root: str = ""
    address: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """Check the options. Raises OptionError."""
        known = [field.name for field in fields(cls) if field.name != "provider"]
        check_names(settings, known)
        provider = settings.provider or "embedded"
        if provider not in PROVIDERS:
            raise OptionError(
                f"{settings.column}: unknown provider {provider!r}; {nearest(provider, PROVIDERS)}"
            )
        made = cls(provider=provider, **settings.options)
        made._check(settings.column)
        return made

    def _check(self, column: str) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not type(field.default):
                wanted = type(field.default).__name__
                raise OptionError(f"{column}: {field.name} is {value!r}, and must be a {wanted}")
        if self.max_workers < 1:
            raise OptionError(f"{column}: max_workers must be from 1, not {self.max_workers}")
        self._check_external(column)

    def _check_external(self, column: str) -> None:
        given = [name for name in EXTERNAL_ONLY if getattr(self, name)]
        if self.provider != "external":
            if given:
                raise OptionError(f"{column}: {given[0]} is only for the provider external")
            return
        if not self.kubeconfig or not Path(self.kubeconfig).expanduser().is_file():
            raise OptionError(f"{column}: kubeconfig {self.kubeconfig!r} is no file")
        if not self.image:
            raise OptionError(f"{column}: an external cluster needs an image that it can pull")
        if bool(self.s3_endpoint) == bool(self.address) or bool(self.s3_endpoint) != bool(
            self.s3_root
        ):
            raise OptionError(
                f"{column}: an external cluster needs either s3_endpoint and s3_root, or an "
                "address of this machine that its pods reach"
            )
