"""Functions that use the model; types are checked, and are what OpenAPI shows."""

from typing import Annotated

from metaflow import FunctionParameters, json_function
from prices import Prices
from pydantic import BaseModel, Field


class House(BaseModel):
    district: str
    area: Annotated[float, Field(gt=0, description="square metres")]


class Price(BaseModel):
    euros: int


class Trained(FunctionParameters):
    model: Prices


@json_function
def price(house: House, params: Trained) -> Price:
    """Say what a house would be sold for."""
    return Price(euros=round(params.model.predict(house.district, house.area)))


@json_function(batch=True)
def worth_a_visit(prices: list[Price]) -> list[bool]:
    """Say which prices one could pay."""
    return [one.euros < 300_000 for one in prices]
