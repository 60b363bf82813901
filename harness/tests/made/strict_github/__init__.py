"""A GitHub that takes only what the real one would, and that can be made to fail.

Requests are held against the schema that GitHub publishes and against the rules it leaves out.
"""
