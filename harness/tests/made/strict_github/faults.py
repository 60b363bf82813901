"""What happens between here and GitHub; each may let the request be carried out: `answer()`."""

from __future__ import annotations

import httpx


def secondary_limit(*_):
    """GitHub often does not say how long (EnricoMi/publish-unit-test-result-action#619)."""
    return httpx.Response(403, json={"message": "You have exceeded a secondary rate limit."})


def silent_limit(*_):
    return httpx.Response(403)


def limit_with_time(*_):
    return httpx.Response(429, headers={"retry-after": "7"}, json={"message": "slow down"})


def used_up(_, now):
    reset = str(int(now) + 40)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    return httpx.Response(403, headers=headers, json={"message": "API rate limit exceeded"})


def no_rights(*_):
    return httpx.Response(403, json={"message": "Resource not accessible by integration"})


def bad_gateway(*_):
    return httpx.Response(502, text="<html>502</html>")


def unreachable(*_):
    raise httpx.ConnectError("connection refused")


def reset_before(*_):
    raise httpx.ReadError("connection reset by peer")


def reset_after(answer, *_):
    """The request was carried out, and the answer is lost."""
    answer()
    raise httpx.ReadError("connection reset by peer")


def bad_gateway_after(answer, *_):
    answer()
    return httpx.Response(502, text="<html>502</html>")


def delivered_twice(answer, *_):
    """Something between repeats the request."""
    answer()
    return answer()


def no_json(answer, *_):
    answer()
    return httpx.Response(200, text="<html>")


def fine(answer, *_):
    return answer()
