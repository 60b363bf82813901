"""One zygote for all handles of this process that run the same function the same way.

A second handle then has its first worker after a fork, not after loading everything anew. The
zygote ends with the last handle that uses it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_extensions.functions.process.starting import Zygote
from metaflow_extensions.functions.settings import forks

if TYPE_CHECKING:
    from metaflow_extensions.functions.plan import Plan
    from metaflow_extensions.functions.recreating import Interpreter


@dataclass
class _Use:
    zygote: Zygote
    count: int


_LOCK = threading.Lock()
_USED: dict[str, _Use] = {}


def take(plan: Plan, interpreter: Interpreter, largest: int) -> Zygote:
    """Give a zygote that lives, and count its use; one that becomes a worker is nobody else's."""
    if not forks():
        return Zygote(plan, interpreter, largest)
    key = f"{interpreter.python}\n{largest}\n{plan.write()}"
    with _LOCK:
        use = _USED.get(key)
        if use is None or use.zygote.ended:
            use = _USED[key] = _Use(Zygote(plan, interpreter, largest), 0)
        use.count += 1
        return use.zygote


def give_back(zygote: Zygote) -> None:
    """End a zygote that nobody uses any more."""
    with _LOCK:
        key = next((key for key, use in _USED.items() if use.zygote is zygote), None)
        if key is not None:
            _USED[key].count -= 1
            if _USED[key].count:
                return
            del _USED[key]
    zygote.stop()


def _forget() -> None:
    """Start with none in a fork of this process."""
    _USED.clear()
    _LOCK.release()


os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_forget)
