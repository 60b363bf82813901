"""Train the model: `python train.py run --inflation 1.1`."""

from metaflow import FlowSpec, Parameter, step
from prices import Prices

SOLD = [
    {"district": "north", "area": 100, "price": 200_000},
    {"district": "north", "area": 50, "price": 115_000},
    {"district": "south", "area": 80, "price": 400_000},
]


class PricesFlow(FlowSpec):
    inflation = Parameter("inflation", default=1.0)

    @step
    def start(self):
        self.sold = [{**one, "price": one["price"] * self.inflation} for one in SOLD]
        self.next(self.train)

    @step
    def train(self):
        self.model = Prices().fit(self.sold)
        self.next(self.end)

    @step
    def end(self):
        print(self.model.rates)


if __name__ == "__main__":
    PricesFlow()
