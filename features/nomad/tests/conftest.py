from __future__ import annotations

# Metaflow loads the extension, so it comes first wherever the extension's modules are imported.
import metaflow  # noqa: F401
