"""Serializer of presets to Modelfiles, checked so that the text reads back equal."""

import textwrap
from collections.abc import Iterator

from tui.errors import PresetError
from tui.knobs.knob import Value
from tui.presets.modelfile import ModelfileError, dropped, parse_modelfile
from tui.presets.parameters import SWITCHES
from tui.presets.preset import Preset

_WIDTH = 118

_SKELETON = """\
{base}

# Every knob is a PARAMETER; `twiddle presets show default` names them all.
# PARAMETER temperature 0.7
# PARAMETER stop "###"

# System prompt. Quotes may span lines.
# SYSTEM You are a helpful assistant.

# Messages before the first question.
# MESSAGE user Why is the sky blue?
# MESSAGE assistant Air scatters blue light more than red.
"""

Statement = tuple[str, str]
"""First words of an instruction, such as `PARAMETER stop`, and its value."""


def write_preset(preset: Preset, base: Preset | None = None) -> str:
    """Write the Modelfile of a preset, without the values that a base has already; raises PresetError."""
    comment = describe(preset.description)
    return comment + "".join(f"{instruction(*each)}\n" for each in statements(preset, base))


def skeleton(base: str, description: str = "") -> str:
    """Build a new Modelfile with the possible instructions as comments; without a base it is for any model."""
    start = f"FROM {base}" if base else "# Without FROM it is for whichever model is in use.\n# FROM starter"
    return describe(description or "Purpose of this preset, in one line.") + _SKELETON.format(base=start)


def describe(description: str) -> str:
    """Wrap a description as the comment lines at the start of a Modelfile."""
    lines = textwrap.wrap(description, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def statements(preset: Preset, base: Preset | None = None) -> Iterator[Statement]:
    """Yield the instructions of a preset: FROM if it names a model or has a base, the knobs, the texts."""
    if base or not preset.any_model:
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
        lines = ((f"MESSAGE {message.role}", message.content) for message in preset.messages)
        yield from lines if preset.messages else [("MESSAGE user", "")]


def parameter(name: str, value: Value) -> Iterator[Statement]:
    """Yield the PARAMETER lines of a knob: one for each entry of a list, an empty one for an empty list."""
    word = f"PARAMETER {name}"
    if isinstance(value, tuple):
        yield from ((word, entry) for entry in value or ("",))
    elif name in SWITCHES:
        yield word, "true" if value else "false"
    else:
        yield word, repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def instruction(word: str, text: str) -> str:
    """Write an instruction with the fewest quotes that read back equal; raises PresetError if none do."""
    for quotes in ("", '"', '"""') if text else ('"',):
        line = f"{word} {quotes}{text}{quotes}"
        if _reads_back(line, text):
            return line
    raise PresetError(f"{word} {text[:40]!r} cannot be written in a Modelfile: {_obstacle(text)}.")


def _reads_back(line: str, text: str) -> bool:
    try:
        *_, command = parse_modelfile(f"FROM x\n{line}\n").commands
    except ModelfileError:
        return False
    value = command.args.partition(": ")[2] if line.startswith("MESSAGE") else command.args
    return value == text and command.end == len(f"FROM x\n{line}")


def _obstacle(text: str) -> str:
    if sign := dropped(text):
        return f"it drops control characters, such as {sign}"
    return 'no line of a longer text may end with """'
