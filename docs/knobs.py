"""Writer of the knob table in README.md and docs/sampling.md; run it by `uv run python docs/knobs.py`."""

import re
from pathlib import Path

from tui.knobs.knob import Knob
from tui.knobs.table import KNOBS

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "sampling.md")
_PLACE = re.compile(r"(?<=<!-- knobs -->\n).*?(?=<!-- /knobs -->)", re.DOTALL)


def table() -> str:
    """Build the table of all knobs, in Markdown."""
    rows = "".join(
        f"| `{knob.name}` | {knob.show(knob.default)} | {accepts(knob)} | {knob.help} |\n" for knob in KNOBS.values()
    )
    return f"| knob | default | takes | what it does |\n| :- | :- | :- | :- |\n{rows}"


def accepts(knob: Knob) -> str:
    """Describe the values that a knob takes, in a few words."""
    if knob.kind is tuple:
        return "names, separated by semicolons" if knob.choices else "texts; repeat the line for more"
    if knob.kind is str:
        return ", ".join(knob.choices) or "a text"
    words = [f"{value} = {word}" for value, word in knob.words.items()]
    return "; ".join([knob.range.removeprefix("from "), *words])


def filled(page: str) -> str:
    """Return a page with its table replaced by the current one."""
    return _PLACE.sub(lambda _: table(), page)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
