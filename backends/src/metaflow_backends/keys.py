"""Keys that we make up ourselves, in a form that gives them away as such.

A backend tells its keys once it is up; the log of one that never came up may quote them all the
same. With this form whoever masks texts knows them without being told.
"""

from __future__ import annotations

import secrets

PREFIX = "mfx_"
FORM = PREFIX + r"[0-9a-f]{16,128}"  # a regular expression


def generate(strength: int = 16) -> str:
    """Make up a key of so many random bytes (8 to 64)."""
    return PREFIX + secrets.token_hex(strength)
