"""Output of every kind on both streams: many lines, one long line, bytes that are no UTF-8."""

import sys

from metaflow import FlowSpec, step

LINES = 10_000


class OutputFlow(FlowSpec):
    @step
    def start(self):
        for number in range(LINES):
            print(f"line {number}")
        print("the end of standard error", file=sys.stderr)
        self.next(self.odd)

    @step
    def odd(self):
        print("x" * 100_000)
        sys.stdout.flush()
        sys.stdout.buffer.write(b"not \xff\xfe utf-8\n")
        sys.stdout.buffer.flush()
        print("größe 数 \N{PILE OF POO}")
        print("no newline at the end", end="")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    OutputFlow()
