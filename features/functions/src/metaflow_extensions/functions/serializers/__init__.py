"""Ways to write records and results other than JSON; what is written is what JSON can say."""
