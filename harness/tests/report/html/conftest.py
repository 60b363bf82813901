from __future__ import annotations

import sys
from pathlib import Path

# Test folders are not packages; the reports these tests draw are made by a small one beside them.
sys.path.insert(0, str(Path(__file__).parent))
