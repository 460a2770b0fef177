"""The command line: one file a command group, no logic of its own."""


def main() -> None:
    """Entry point of `twiddle`."""
    raise SystemExit(2)
