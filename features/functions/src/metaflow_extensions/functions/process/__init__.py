"""Functions in processes of their own.

The caller starts one process per function, the zygote, which loads it and then does nothing but
fork workers: a worker is there in milliseconds and shares the memory of the artifacts. All of them
are one process group that the kernel ends with the caller (lifeline.py).
"""
