"""Launchers of one run, forked from one process that has loaded all that they need.

Metaflow starts a Python for every task, which loads Metaflow, a client of Nomad and one of the
datastore: most of a second of one core, before the job is even registered. Here that happens once
for a run. `client.py` is what Metaflow starts instead; it asks the server for a fork that does the
same as the command would have done, in its place: same words, environment, folder and streams.
"""
