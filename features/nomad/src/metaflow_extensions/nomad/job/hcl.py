"""Texts that arrive as they were written."""

from __future__ import annotations


def escape(text: str) -> str:
    """Protect a word of a task's `Config`, which the client reads as an HCL template.

    Not for `Env`: there Nomad replaces the names it knows and has no escape.

    >>> escape("${HOME} 100%{x}")
    '$${HOME} 100%%{x}'
    """
    return text.replace("${", "$${").replace("%{", "%%{")
