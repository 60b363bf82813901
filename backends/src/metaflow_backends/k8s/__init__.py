"""A real Kubernetes: one of our own, or whichever a kubeconfig leads to."""

from __future__ import annotations

from metaflow_backends.k8s.access import Access
from metaflow_backends.k8s.api import Api, ApiError
from metaflow_backends.k8s.backend import Argo, K8s, api_of
from metaflow_backends.k8s.program import Program

__all__ = ["Access", "Api", "ApiError", "Argo", "K8s", "Program", "api_of"]
