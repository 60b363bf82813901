"""Archives as artifacts are: made in memory, of anything."""

from __future__ import annotations

import io
import zipfile


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    """Make an archive of (name or ZipInfo, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()
