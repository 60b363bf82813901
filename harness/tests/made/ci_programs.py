"""The small programs in .ci, as modules."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / ".ci"))  # they import each other

import budget  # noqa: E402
import check  # noqa: E402
import environment  # noqa: E402
import preflight  # noqa: E402
import progress  # noqa: E402

__all__ = ["ROOT", "budget", "check", "environment", "preflight", "progress"]
