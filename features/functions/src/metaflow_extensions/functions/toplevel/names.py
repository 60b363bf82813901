"""What `from metaflow import ...` finds; all of it is quick to load."""

from metaflow_extensions.functions.declaring import function, json_function
from metaflow_extensions.functions.handle import JsonFunction, function_from_json
from metaflow_extensions.functions.parameters import FunctionParameters

__all__ = [
    "FunctionParameters",
    "JsonFunction",
    "function",
    "function_from_json",
    "json_function",
]
