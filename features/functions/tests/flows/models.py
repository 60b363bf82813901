class Doubling:
    def __init__(self, factor):
        self.factor = factor

    def predict(self, rows):
        return [sum(row) * self.factor for row in rows]
