"""Entry point: `python -m tui` is `twiddle`."""

from tui.cli import main

main()
