"""The pull requests that the workflow files are run on, and pictures are taken of."""

from __future__ import annotations

MATRIX = """
version: 1
backends:
  fake: {kind: fake, required: true, variants: {other: {default: true}}}
  remote: {kind: fake, default: false}
  shaky: {kind: fake, default: false, options: {flaky: 1}}
select:
  rules:
    - {paths: ["docs/**"], backends: [], tests: [units]}
    - {paths: ["src/**"], backends: [fake, fake/other]}
    - {paths: ["remote/**"], backends: [fake, remote]}
    - {paths: ["shaky/**"], backends: [fake, shaky]}
"""
FLOW = """from metaflow import FlowSpec, Parameter, step


class ShareFlow(FlowSpec):
    readers = Parameter("readers", default=0)

    @step
    def start(self):
        print(f"shared by {self.readers} readers")
        self.share = 100 / self.readers
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ShareFlow()
"""
# Right on fake/other, and a division by zero on fake.
FAILING = """
def test_a(backend):
    pass


def test_readers_share(mf_flow, backend):
    run = mf_flow("share.py", parameters={"readers": 4 if backend.variant else 0})

    assert run.value("end", "share") == 25
"""
# Fails in the first attempt of a run, as an outage would.
ONCE = """import os

def test_a(backend): assert os.environ["GITHUB_RUN_ATTEMPT"] != "1"
"""
FILES = {
    "matrix.yaml": MATRIX,
    "units/test_units.py": "def test_unit(): pass\n",
    "test_flows.py": "def test_a(backend): pass\ndef test_b(backend): pass\n",
}
GREEN = {"src/a.py": "1"}
ONE_FAILS = {"src/a.py": "1", "test_flows.py": FAILING, "share.py": FLOW}
ONE_IS_ABSENT = {"remote/a.py": "1"}
FLAKY = {"shaky/a.py": "1"}
DOCUMENTS = {"docs/a.md": "1"}
RUN_AGAIN = {"src/a.py": "1", "test_flows.py": ONCE}
