"""What can go wrong with a backend, said so that a person knows what to do."""

from __future__ import annotations


class BackendError(Exception):
    """The backend itself failed (cause `backend`): no start, died, or answers nonsense."""


class BackendUnavailableError(BackendError):
    """The backend cannot be used on this machine; the message says why and how to get it."""


class InfrastructureError(BackendError):
    """Something under the test failed that a second try may cure (cause `infra`).

    Examples: a pod that could not be scheduled, an image pull that failed, a lost allocation.
    """
