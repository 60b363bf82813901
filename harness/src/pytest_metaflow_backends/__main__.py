"""`python -m pytest_metaflow_backends`: the same as `mf-backends`."""

from __future__ import annotations

import sys

from pytest_metaflow_backends.cli import main

if __name__ == "__main__":
    sys.exit(main())
