"""Functions of the benches; `predict` costs about what a small model does."""

import time

import numpy as np
from metaflow import FunctionParameters, json_function
from pydantic import BaseModel


class Features(BaseModel):
    x: list[float]


class Prediction(BaseModel):
    y: float


@json_function
def echo(data: dict) -> dict:
    return data


@json_function
def predict(data: Features, params: FunctionParameters) -> Prediction:
    return Prediction(y=float(np.asarray(data.x) @ np.asarray(params.weights)))


@json_function
def spin(data: dict) -> dict:
    until = time.thread_time() + 0.002
    while time.thread_time() < until:
        pass
    return data


@json_function
def sleep(data: dict) -> dict:
    time.sleep(data["seconds"])
    return {}


@json_function(batch=True)
def predict_all(rows: list, params: FunctionParameters) -> list:
    return [
        {"y": y} for y in (np.array([row["x"] for row in rows]) @ np.array(params.weights)).tolist()
    ]


@json_function
def predict_row(row: dict, params: FunctionParameters) -> dict:
    return {"y": float(np.asarray(row["x"]) @ np.asarray(params.weights))}
