"""What is wrong with a template."""

from tui.errors import PresetError
from tui.presets.gotemplate.nodes import Position


class TemplateError(PresetError):
    """A template that cannot be read, or not be run."""

    def __init__(self, advice: str, place: Position | None = None) -> None:
        self.place = place
        where = f"line {place.line}, column {place.column}: " if place else ""
        super().__init__(f"The template cannot be used: {where}{advice}.")
