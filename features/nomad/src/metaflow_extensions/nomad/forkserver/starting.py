"""Starts the fork server of a run, and takes it down with the run."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CLIENT = Path(__file__).with_name("client.py")
SERVER = (
    "import sys; sys.path[0] = {place!r}; "
    "from metaflow_extensions.nomad.forkserver.server import main; main({listening}, {datastore!r})"
)
LAST = 10.0  # seconds that launchers have to stop their tasks, once the run is over


@dataclass(frozen=True)
class Started:
    """A fork server, and where it listens."""

    folder: Path  # of this user alone
    process: subprocess.Popen[bytes]

    @property
    def place(self) -> Path:
        return self.folder / "socket"

    def stop(self) -> None:
        """Let it end; launchers that are left stop their tasks."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(LAST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def entrypoint(server: Started | None, command: list[str]) -> list[str]:
    """Give what to start in place of a command `python -u flow.py`.

    Without a server, too: @conda replaces the first word of what Metaflow starts by an interpreter
    that cannot run a launcher, but that can run a client.
    """
    place = str(server.place) if server else ""
    return [sys.executable, "-I", "-S", str(CLIENT), place, *command]


def start(datastore: str) -> Started | None:
    """Start one; None where processes that have loaded libraries are not safely forked.

    `datastore` is the type whose client is loaded.

    Clients may ask at once: the socket listens before anybody serves.
    """
    if not sys.platform.startswith("linux"):
        return None
    folder = Path(tempfile.mkdtemp(prefix="metaflow-nomad-"))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        listening.listen(socket.SOMAXCONN)
        # Modules are found as this process finds them: beside the flow, not in the working folder.
        code = SERVER.format(place=sys.path[0], listening=listening.fileno(), datastore=datastore)
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code],
            stdin=subprocess.PIPE,
            pass_fds=[listening.fileno()],
            start_new_session=True,  # signals of a terminal reach launchers through their clients
        )
    return Started(folder, process)
