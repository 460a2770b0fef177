"""Help on the knob with the cursor."""

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from tui.knobs.knob import Knob, Value
from tui.terminal import safe_line

_USAGE = (
    "Tab to the knobs, or click one. ←\u00a0→ turn it, Shift turns further, a number is taken as it is, r puts it back."
)


class KnobHelpText(NamedTuple):
    """Text about a knob."""

    help: str
    facts: str = ""
    """Its default, range and sampler stage."""
    reason: str = ""
    """Why it has no effect now."""


class KnobHelp(Static):
    """Help on a knob: what it does, its range, its value elsewhere, and why it has no effect now.

    Its height is fixed: what has an effect on the reader comes first, and the help is cut where there is no room.
    """

    def __init__(self) -> None:
        """Show how to use the panel until a knob has the cursor."""
        super().__init__(markup=False)
        self._words, self._refusal = KnobHelpText(_USAGE), ""

    def show(self, words: KnobHelpText, refusal: str = "") -> None:
        """Show a text; an error takes the place of the reason."""
        if (words, refusal) != (self._words, self._refusal):
            self._words, self._refusal = words, refusal
            self._fill()

    def on_resize(self) -> None:
        """Fold the text for the new width."""
        self._fill()

    def _fill(self) -> None:
        self.update(Content("\n").join(self._lines(self.content_size)), layout=False)

    def _lines(self, size: Size) -> Iterator[Content]:
        words, refusal = self._words, safe_line(self._refusal)
        urgent, kind = (refusal, "bold $text-error") if refusal else (safe_line(words.reason), "italic $foreground")
        first = folded(urgent, size.width, max(size.height - 1, 1) if refusal else 2)
        left = size.height - len(first)
        facts = folded(safe_line(words.facts), size.width, 2)
        help = folded(safe_line(words.help), size.width, left - min(len(facts), 1))
        facts = folded(safe_line(words.facts), size.width, min(2, left - len(help)))
        yield from (Content.styled(line, kind) for line in first)
        yield from map(Content, help)
        yield from (Content.styled(line, "$text-muted") for line in facts)


def folded(text: str, width: int, most: int) -> list[str]:
    """Fold a text into at most `most` lines, with an ellipsis if it is cut."""
    return textwrap.wrap(text, max(width, 2), max_lines=most, placeholder=" …") if text and most > 0 else []


def facts(knob: Knob, preset: Value) -> str:
    """Return the values and the range of a knob: `preset 0.2 · default 0.8 · 0 to 5 · stage temperature`."""
    parts = [f"preset {knob.show(preset)}"] if knob.slides and preset != knob.default else []
    parts += [f"default {knob.show(knob.default)}"] if knob.slides else []
    parts += [_takes(knob)]
    parts += [f"stage {knob.stage}"] if knob.stage and knob.stage != knob.name else []
    return " · ".join(parts)


def _takes(knob: Knob) -> str:
    if knob.slides and not knob.choices:
        return f"{knob.range.removeprefix('from ')} {knob.unit}".rstrip()
    if knob.slides:
        return "one of " + ", ".join(knob.choices)
    return "Enter shows the order" if knob.orders else "Enter opens it"
