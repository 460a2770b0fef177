"""Notices for errors in callbacks of a screen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App

from tui.errors import TwiddleError
from tui.terminal import safe


@contextmanager
def refusals(app: App[Any]) -> Iterator[None]:
    """Show a TwiddleError raised in this block as a notice, since nothing above a callback would."""
    try:
        yield
    except TwiddleError as error:
        app.notify(safe(str(error)), severity="error", markup=False)
