"""Write docs/keys.md from the bindings and commands of the program: `uv run python docs/keys.py`."""

from itertools import groupby
from pathlib import Path

from tui.prompt_line.commands import LISTED
from tui.ui.keys import KeyBinding, bound

PAGE = Path(__file__).parent / "keys.md"
_HEAD = """\
# Keys and commands

F1 shows the ones that work where you are. To choose others, name them in the table `[keys]` of `config.toml` (`twiddle
doctor` says where that lies), several with commas:

```toml
[keys]
"chat.compare" = "f10"
"prompt.send" = "ctrl+s"
```

What cannot work is said when twiddle starts, and that line left out: a name that is not below, a key that is none, a
key that something else has where both can be pressed, or a letter for what has to work while you type.
"""
_PLACES = {
    "app": "Everywhere",
    "chat": "In the chat",
    "prompt": "In the prompt",
    "transcript": "In the transcript",
    "knob": "On a knob",
    "presets": "In the list of presets",
    "dialog": "In every dialog",
    "help": "In the help",
    "link": "When a link is shown",
}


def page() -> str:
    """Return the whole page."""
    keys = (
        f"\n## {_PLACES.get(place, place.capitalize())}\n\n| key | name | what it does |\n| :- | :- | :- |\n"
        + "".join(map(_row, group))
        for place, group in groupby(bound().values(), key=lambda each: each.place)
    )
    usages = {each.usage.replace("|", "\\|"): each.help for each in LISTED}
    rows = "".join(f"| `{usage}` | {help} |\n" for usage, help in usages.items())
    return f"{_HEAD}{''.join(keys)}\n## Commands\n\n| type | what it does |\n| :- | :- |\n{rows}"


def _row(each: KeyBinding) -> str:
    return f"| {', '.join(each.keys)} | `{each.id}` | {each.what} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
