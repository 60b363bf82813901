"""The tiny real process behind the fake backend: it answers health checks on a loopback port.

Run as a script by `fake.py` with `python -S -I`: standard library only, nothing of this package.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def main(home: str, token: str, late: str, slow_stop: str) -> None:
    """Serve until told to end: healthy after `late` seconds, ending `slow_stop` after SIGTERM."""
    healthy_from = time.monotonic() + float(late)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ready = time.monotonic() >= healthy_from
            self.send_response(200 if ready else 503)
            self.end_headers()
            self.wfile.write(token.encode() if ready else b"starting")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            pass

    def end(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        time.sleep(float(slow_stop))
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    _announce(Path(home), server.server_address[1])
    server.serve_forever()


def _announce(home: Path, port: int) -> None:
    """Write the port where the starter looks for it; a reader never sees half a number."""
    draft = home / "port.new"
    draft.write_text(str(port), encoding="ascii")
    draft.replace(home / "port")
    print(f"fake {os.getpid()} listens on 127.0.0.1:{port}", flush=True)  # noqa: T201 - its log


if __name__ == "__main__":
    main(*sys.argv[1:])
