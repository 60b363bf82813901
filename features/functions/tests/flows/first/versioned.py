from helping import NAME
from metaflow import json_function


@json_function
def version(data: dict) -> dict:
    import helping

    return {"version": NAME, "again": helping.NAME}
