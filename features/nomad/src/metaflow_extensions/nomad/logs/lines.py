"""Whole lines of bytes that come in pieces."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 1 << 20  # bytes shown as one line


@dataclass
class Lines:
    """Keeps what has no end yet."""

    kept: bytes = b""

    def add(self, data: bytes) -> list[bytes]:
        """Give the lines that are whole now, without their ends."""
        *whole, self.kept = (self.kept + data).split(b"\n")
        if len(self.kept) > LONGEST:
            whole, self.kept = [*whole, self.kept], b""
        return whole

    def end(self) -> list[bytes]:
        """Give what never got an end."""
        last, self.kept = self.kept, b""
        return [last] if last else []
