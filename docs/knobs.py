"""Write the table of knobs into the README, from the one in the program: `uv run python docs/knobs.py`."""

import re
from pathlib import Path

from tui.knob import Knob
from tui.knobs import KNOBS

README = Path(__file__).parent.parent / "README.md"
_PLACE = re.compile(r"(?<=<!-- knobs -->\n).*?(?=<!-- /knobs -->)", re.DOTALL)


def table() -> str:
    """Every knob as a row of Markdown."""
    rows = "".join(
        f"| `{knob.name}` | {knob.show(knob.default)} | {accepts(knob)} | {knob.help} |\n" for knob in KNOBS.values()
    )
    return f"| knob | default | takes | what it does |\n| :- | :- | :- | :- |\n{rows}"


def accepts(knob: Knob) -> str:
    """The values it takes, in a few words."""
    if knob.kind is tuple:
        return "texts; repeat the line for more"
    if knob.kind is str:
        return ", ".join(knob.choices) or "a text"
    words = [f"{value} = {word}" for value, word in knob.words.items()]
    return "; ".join([knob.range.removeprefix("from "), *words])


def filled(readme: str) -> str:
    """The README with the table as it is now."""
    return _PLACE.sub(lambda _: table(), readme)


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
