"""Functions as users write them."""

import asyncio
import os
import signal
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated

import numpy as np
from metaflow import FunctionParameters, function, json_function
from models import Doubling
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Trained(FunctionParameters):
    model: Doubling
    feature_names: list[str]


class WronglyTrained(FunctionParameters):
    words: int


class LacksOne(FunctionParameters):
    nothing: int


class OddError(ValueError):
    def __init__(self, row):
        super().__init__(f"odd row {row}")
        self.row = row


class Point(BaseModel):
    x: float
    y: Annotated[int, Field(ge=0)] = 0


@dataclass
class Sum:
    total: float


class Named(TypedDict):
    name: str


@json_function
def predict(data: dict, params: FunctionParameters) -> dict:
    """Add up and double."""
    row = [data[name] for name in params.feature_names]
    return {"prediction": params.model.predict([row])[0]}


@json_function
def typed_params(data: dict, params: Trained) -> float:
    return params.model.predict([[data[name] for name in params.feature_names]])[0]


@json_function
def wrong_params(data: dict, params: WronglyTrained) -> int:
    return params.words


@json_function
def lacking(data: dict, params: LacksOne) -> int:
    return params.nothing


@json_function
def all_params(data: dict, params: FunctionParameters) -> list:
    return sorted(vars(params))


@json_function
def echo(data):
    return data


@json_function
def add(point: Point) -> Sum:
    return Sum(point.x + point.y)


@json_function
def greet(who: Named) -> str:
    return f"hello {who['name']}"


@json_function(batch=True)
def vectors(rows: list[Point]) -> list[float]:
    if any(row.x < 0 for row in rows):
        raise OddError(next(row.x for row in rows if row.x < 0))
    return (np.array([row.x for row in rows]) * 2).tolist()


@function(batch=True)
def too_few(rows: list) -> list:
    return rows[1:]


@json_function
async def later(data: dict) -> dict:
    await asyncio.sleep(0)
    return {**data, "pid": os.getpid()}


@json_function
def wrong_return(data: dict) -> dict:
    return data.get("kind")


KINDS = {
    "datetime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    "np.float32": np.float32(0.5),
    "ndarray": np.arange(3),
    "tuple": (1, 2),
    "set": {1},
    "Decimal": Decimal("0.1"),
    "nan": float("nan"),
    "2**70": 2**70,
    "int keys": {1: "a"},
    "object": object(),
    "list": [1, "a", None],
    "None": None,
    "bytes": b"abc",
    "inner nan": {"x": [1.0, {"y": float("inf")}]},
    "nan array": np.array([1.0, float("nan")]),
    "ordered": OrderedDict(b=1, a=2),
    "dataclass": Sum(1.5),
    "model": Point(x=1),
}


@json_function
def kind(name: str):
    return KINDS[name]


SAME = {}


@json_function
def same_object(data: dict) -> dict:
    SAME.update(data)
    return SAME


@function(batch=True)
def kinds(names: list) -> list:
    return [KINDS[name] for name in names]


@json_function
def fails(how: str):
    if how == "KeyError":
        raise KeyError("missing")
    if how == "OddError":
        raise OddError(7)
    if how == "OSError":
        raise FileNotFoundError(2, "No such file", "x")
    if how == "chained":
        try:
            return {}["a"]
        except KeyError as error:
            raise RuntimeError("outer") from error
    if how == "exit":
        raise SystemExit(3)
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")


@json_function
def fails_at_seven(row: dict):
    if row["n"] == 7:
        raise OddError(row["n"])
    return row["n"]


@json_function
def acts(data: dict):
    what = data.get("do")
    if what == "sleep":
        time.sleep(data["seconds"])
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "fork and die":
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "large":
        return "x" * data["size"]
    elif what == "child":
        return os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "300")
    elif what == "spin":
        until = time.process_time() + data["seconds"]
        while time.process_time() < until:
            pass
    return {"pid": os.getpid()}
