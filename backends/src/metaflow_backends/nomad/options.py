"""What the matrix may say about a Nomad, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from metaflow_backends.options import OptionError, check_names, nearest

if TYPE_CHECKING:
    from metaflow_backends.protocol import Settings

DRIVERS = ("docker", "exec", "raw_exec")  # that flows can be told to use
MOST_GPUS = 8
MOST_CLIENTS = 9  # each has an address of its own in the hub's network


class Profile(str, Enum):
    """How the agents are set up."""

    PLAIN = "plain"
    ACL = "acl"  # requests need a token; flows get one with few rights
    TLS = "tls"  # mutual: requests need a certificate
    MULTI = "multi"  # one server and several clients, each in a network namespace of its own


@dataclass(frozen=True)
class Options:
    """The options of one column; the default is what `mf-backends up nomad` starts."""

    profile: Profile = Profile.PLAIN
    clients: int = 3  # of the profile `multi`; the others have one
    port: int | None = None  # of the server's HTTP API; None takes a free one
    # "auto": the daemon that runs, else one of our own; "none": no docker driver; or an address.
    docker: str = "auto"
    datastore: bool = True  # start an S3 store of its own
    driver: str = "docker"  # of flows
    gpus: int = 0  # that each client pretends to have

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """Read the options; raises OptionError that names the one that is wrong."""
        check_names(settings, [field.name for field in fields(cls)])
        return cls(**{k: _CHECKS[k](settings.column, k, v) for k, v in settings.options.items()})

    @property
    def client_names(self) -> tuple[str, ...]:
        count = self.clients if self.profile is Profile.MULTI else 1
        return tuple(f"client-{number}" for number in range(1, count + 1))


def _profile(column: str, name: str, value: Any) -> Profile:  # noqa: ANN401 - options are any JSON
    known = [profile.value for profile in Profile]
    if value not in known:
        said = nearest(str(value), known)
        raise OptionError(f"{column}: {name} is {value!r}; {said}")
    return Profile(value)


def _whole(least: int, most: int) -> Any:  # noqa: ANN401 - a check like the others
    def check(column: str, name: str, value: Any) -> int:  # noqa: ANN401 - options are any JSON
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise OptionError(
                f"{column}: {name} is {value!r}, and must be a whole number from {least} to {most}"
            )
        return value

    return check


def _docker(column: str, name: str, value: Any) -> str:  # noqa: ANN401 - options are any JSON
    if value in {"auto", "none"} or str(value).startswith(("unix://", "tcp://")):
        return str(value)
    raise OptionError(
        f"{column}: {name} is {value!r}, and must be auto, none or an address like "
        "unix:///var/run/docker.sock"
    )


def _driver(column: str, name: str, value: Any) -> str:  # noqa: ANN401 - options are any JSON
    if value not in DRIVERS:
        raise OptionError(f"{column}: {name} is {value!r}; {nearest(str(value), list(DRIVERS))}")
    return str(value)


def _yes_or_no(column: str, name: str, value: Any) -> bool:  # noqa: ANN401 - options are any JSON
    if not isinstance(value, bool):
        raise OptionError(f"{column}: {name} is {value!r}, and must be true or false")
    return value


_CHECKS = {
    "profile": _profile,
    "clients": _whole(1, MOST_CLIENTS),
    "port": _whole(1024, 65_535),
    "docker": _docker,
    "datastore": _yes_or_no,
    "driver": _driver,
    "gpus": _whole(0, MOST_GPUS),
}
