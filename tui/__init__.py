"""twiddle: a terminal chat client with live knobs."""

__version__ = "0.1.0"
