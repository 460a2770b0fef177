"""What cannot be had is said, and nothing else happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App

from tui.errors import TwiddleError
from tui.terminal import safe


@contextmanager
def refusals(app: App[Any]) -> Iterator[None]:
    """Says a TwiddleError from within in a notice: a callback of a screen has nobody else to tell."""
    try:
        yield
    except TwiddleError as error:
        app.notify(safe(str(error)), severity="error", markup=False)
