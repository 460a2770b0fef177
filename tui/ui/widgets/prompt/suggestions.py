"""List of completions above the prompt."""

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.prompt_line.completion import Completion, Suggestion
from tui.terminal import safe_line

ROWS = 8
"""Rows shown at a time."""
WIDEST = 40
"""Most cells for the text of a suggestion, before its description."""


class Suggestions(OptionList, can_focus=False):
    """List of completions; the focus stays in the prompt."""

    @dataclass
    class Chosen(Message):
        """A row was clicked."""

        index: int

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown: Completion | None = None

    def show(self, completion: Completion | None, lit: int) -> None:
        """Show completions with one of them lit, or hide the list."""
        self.display = completion is not None
        if completion is None:
            return
        if completion is not self._shown:
            self._shown = completion
            self.clear_options()
            self.add_options(_options(completion))
        if completion.suggestions:
            before = lit if self.highlighted is None else self.highlighted
            self.highlighted = lit
            for index in {before, lit}:
                self.replace_option_prompt_at_index(index, _row(completion, index, lit))
        height = min(self.option_count, ROWS)
        self.styles.height, self.styles.offset = height, (0, -height)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Post which row was clicked."""
        event.stop()
        self.post_message(self.Chosen(event.option_index))


def _options(completion: Completion) -> list[Option]:
    rows = [Option(_row(completion, index)) for index in range(len(completion.suggestions))]
    if completion.hint:
        rows.append(Option(Content(f"  {safe_line(completion.hint)}"), disabled=True))
    return rows


def _row(completion: Completion, index: int, lit: int | None = None) -> Content:
    """Return a row; the lit one has a sign besides its colour."""
    suggestion = completion.suggestions[index]
    wide = min(max(len(_written(each)) for each in completion.suggestions), WIDEST)
    about = safe_line(" ".join(suggestion.about.split()))
    mark = "▸" if index == lit else " "
    return Content.assemble(f"{mark} {safe_line(_written(suggestion)):<{wide}}", (f"  {about}", "$foreground 75%"))


def _written(suggestion: Suggestion) -> str:
    return suggestion.usage or suggestion.text.strip()
