"""Beside with_helper.py; has to travel with it."""


def shout(text):
    return f"{text.upper()}!"
