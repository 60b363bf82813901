"""A default card, and one made of components."""

from metaflow import FlowSpec, card, current, step
from metaflow.cards import Markdown, Table


class CardsFlow(FlowSpec):
    @card
    @step
    def start(self):
        self.value = 7
        self.next(self.end)

    @card(type="blank", id="mine")
    @step
    def end(self):
        current.card["mine"].append(Markdown("# A heading with größe"))
        current.card["mine"].append(Table([["a", 1], ["b", 2]], headers=["name", "value"]))


if __name__ == "__main__":
    CardsFlow()
