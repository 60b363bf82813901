"""The flow file as Metaflow's Runner imported it into this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def loaded(path: Path) -> tuple[ModuleType, str]:
    """Give the module and the name of the flow in it; nothing is imported a second time."""
    from metaflow.runner import click_api

    flow = click_api.extract_flow_class_from_file(str(path))
    return click_api.loaded_modules[str(path)], flow.__name__
