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
