"""App for widgets that are tested alone, with the layout that they have in the program."""

from pathlib import Path

from textual.app import App

import tui.ui.widgets


class WidgetHost(App[None]):
    CSS_PATH = Path(tui.ui.widgets.__file__).with_name("widgets.tcss")
