"""See jobs of mock_driver through from many threads, and say how each ended and what was shown.

Usage: waiters.py WAITERS LINES. Each waiter has a client of its own, as each launcher has.
"""

import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import metaflow  # noqa: F401 - it loads the extension
from metaflow_extensions.nomad.api.client import Client
from metaflow_extensions.nomad.job.document import document
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.launching import Launch
from metaflow_extensions.nomad.spec import Spec

PAUSE = "500ms"


class Counting:
    """Counts what is shown of each stream."""

    def __init__(self):
        self.lines = {"stdout": 0, "stderr": 0}

    def say(self, text, allocation=""):
        pass

    def line(self, stream, line, allocation):
        self.lines[stream] += 1


def see_through(lines):
    spec = Spec.of({"driver": "raw_exec", "memory": 10, "cpu": 1, "disk": 101})
    attempt = Attempt("Crowd", uuid.uuid4().hex[:8], "s", "1", 0, "s3://b")
    job = document(attempt, spec, ["true"], {})
    config = {
        "run_for": f"{lines}s",
        "stdout_string": "here\n",
        "stdout_repeat": lines - 1,
        "stdout_repeat_duration": PAUSE,
    }
    job["TaskGroups"][0]["Tasks"][0] |= {"Driver": "mock_driver", "Config": config}
    screen = Counting()
    end = Launch(Client.here(120), job, spec, screen).run()
    return {"succeeded": end.succeeded, "said": end.sentence, **screen.lines}


def main(waiters, lines):
    with ThreadPoolExecutor(waiters) as pool:
        print(json.dumps(list(pool.map(see_through, [lines] * waiters))))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
