"""A preset as the text of a Modelfile, written so that it reads back as it was."""

import textwrap
from collections.abc import Iterator

from tui.errors import PresetError
from tui.knobs.knob import Value
from tui.presets.modelfile import ModelfileError, parse_modelfile
from tui.presets.parameters import SWITCHES
from tui.presets.preset import Preset

_WIDTH = 118

_BEGUN = """\
FROM {base}

# Every knob is a PARAMETER; `twiddle presets show default` names them all.
# PARAMETER temperature 0.7
# PARAMETER stop "###"

# What the model is told first. Quotes may span lines.
# SYSTEM You are a helpful assistant.

# What was said before the chat begins.
# MESSAGE user Why is the sky blue?
# MESSAGE assistant Air scatters blue light more than red.
"""

Statement = tuple[str, str]
"""What an instruction begins with, such as `PARAMETER stop`, and its value."""


def write_preset(preset: Preset, base: Preset | None = None) -> str:
    """The Modelfile of a preset; with a base, what the base says already is left out. Raises PresetError."""
    comment = describe(preset.description)
    return comment + "".join(f"{instruction(*said)}\n" for said in statements(preset, base))


def begun(base: str, description: str = "") -> str:
    """A Modelfile to be filled in, with the instructions there are as comments."""
    return describe(description or "What this preset is for.") + _BEGUN.format(base=base)


def describe(description: str) -> str:
    """The comment that a description is read from, with the line ends."""
    lines = textwrap.wrap(description, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def statements(preset: Preset, base: Preset | None = None) -> Iterator[Statement]:
    """What its Modelfile says: FROM, then the knobs, then the texts."""
    yield "FROM", base.name if base else preset.model
    below = dict(base.turned) if base else {}
    for name, value in preset.turned:
        if name not in below or below[name] != value:
            yield from parameter(name, value)
    if preset.system != (base.system if base else ""):
        yield "SYSTEM", preset.system
    if preset.template != (base.template if base else None):
        yield "TEMPLATE", preset.template or ""
    if preset.messages != (base.messages if base else ()):
        spoken = ((f"MESSAGE {message.role}", message.content) for message in preset.messages)
        yield from spoken if preset.messages else [("MESSAGE user", "")]


def parameter(name: str, value: Value) -> Iterator[Statement]:
    """The lines that turn a knob: one for each entry of a list, and an empty one for an empty list."""
    word = f"PARAMETER {name}"
    if isinstance(value, tuple):
        yield from ((word, entry) for entry in value or ("",))
    elif name in SWITCHES:
        yield word, "true" if value else "false"
    else:
        yield word, repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def instruction(word: str, text: str) -> str:
    """An instruction in the plainest form that reads back; raises PresetError when there is none."""
    for quotes in ("", '"', '"""') if text else ('"',):
        written = f"{word} {quotes}{text}{quotes}"
        if _reads_back(written, text):
            return written
    raise PresetError(f"{word} {text[:40]!r} cannot be said in a Modelfile: {_obstacle(text)}.")


def _reads_back(written: str, text: str) -> bool:
    try:
        *_, command = parse_modelfile(f"FROM x\n{written}\n").commands
    except ModelfileError:
        return False
    role, said = command.args.partition(": ")[::2] if written.startswith("MESSAGE") else ("", command.args)
    return said == text and command.end == len(f"FROM x\n{written}")


def _obstacle(text: str) -> str:
    dropped = next((rune for rune in text if not rune.isprintable() and rune not in "\t\r\n"), None)
    if dropped:
        return f"it drops characters that cannot be printed, such as U+{ord(dropped):04X}"
    return 'no line of a longer text may end with """'
