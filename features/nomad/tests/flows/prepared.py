"""A step with an interpreter and a module that no other step has."""

import sys

from metaflow import FlowSpec, nomad, step


class PreparedFlow(FlowSpec):
    @nomad
    @step
    def start(self) -> None:
        import only_there

        print("prefix", sys.prefix)
        print("word", only_there.WORD)
        self.next(self.end)

    @step
    def end(self) -> None:
        print("here", sys.prefix)


if __name__ == "__main__":
    PreparedFlow()
