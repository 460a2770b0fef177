"""Spinning of ggml's OpenMP threads: the time they wait for each other before they sleep."""

import os


def spin_briefly() -> None:
    """Have them spin a few microseconds; to be called before llama.cpp is loaded, which reads it then.

    libgomp's own limit is a hundred times that: with another program on one of two cores, 139 tokens a second became 2.
    With this one they become 41, and without another program they stay 139. At none they are 36.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
