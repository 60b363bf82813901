"""Run the same Metaflow flows on every backend and get one verdict that cannot lie.

Nothing is imported here: pytest loads this package at every start, used or not. The public names
live in their modules (`records`, `errors`, `matrix`, `flow`, `report`, `hookspecs`).
"""
