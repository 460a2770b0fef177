"""Checks of a Modelfile: errors, values without effect, and common mistakes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from tui.errors import ModelError, PresetError
from tui.knobs.knob import Value
from tui.knobs.lint import conflict, in_vain, inert
from tui.knobs.table import ROWS, WHILE_THINKING
from tui.presets.modelfile import Instruction, Modelfile, ModelfileError, decode, dropped, parse_modelfile
from tui.presets.ollama import refusals
from tui.presets.parameters import DEPRECATED, knob_of
from tui.presets.preset import Preset, compose

Level = Literal["error", "warning", "note"]


class PresetFinding(Struct, frozen=True):
    """Finding about a Modelfile; only an error keeps it from working."""

    level: Level
    text: str
    line: int | None = None


def check(source: str | bytes, path: Path) -> tuple[PresetFinding, ...]:
    """Check the Modelfile at `path` with the content `source`; return the findings by line."""
    text = decode(source)
    try:
        modelfile = parse_modelfile(text, path.name)
    except ModelfileError as error:
        return (_fault(error, path),)
    found = [*_traps(modelfile, text), *_repeats(modelfile)]
    try:
        preset = compose(text, path)
    except PresetError as error:
        found.append(_fault(error, path))
    else:
        found += _meaning(preset, {row.name: command for command in modelfile.commands if (row := knob_of(command))})
    return tuple(sorted(found, key=lambda finding: finding.line or 0))


def _fault(error: PresetError, path: Path) -> PresetFinding:
    if isinstance(error, ModelfileError) and error.file == path.name:
        return PresetFinding("error", error.advice, error.line)
    return PresetFinding("error", str(error))


def _meaning(preset: Preset, lines: dict[str, Instruction]) -> Iterator[PresetFinding]:
    knobs = preset.knobs
    for name, value, reason in _vain(preset):
        at = lines[name].line if name in lines else None
        origin = "" if at else f", set by {preset.source(name)},"
        yield PresetFinding("warning", f"{name} {ROWS[name].show(value)}{origin} does nothing: {reason}.", at)
    if conflict(knobs):
        yield PresetFinding("error", conflict(knobs))
    for name in sorted(DEPRECATED & lines.keys()):
        text = f"{name} is deprecated: Ollama skips it, twiddle does not."
        yield PresetFinding("note", text, lines[name].line)
    for note in preset.notes:
        line, text = re.fullmatch(r"(?:Line (\d+): )?(.*)", note, re.DOTALL).groups()  # type: ignore[union-attr]
        yield PresetFinding("note", text, int(line) if line else None)
    try:
        if not preset.any_model:
            preset.find_model()
    except ModelError as error:
        yield PresetFinding("warning", str(error))
    if refusals(preset):
        remedy = "`twiddle presets export --ollama` writes what it takes"
        yield PresetFinding("note", f"`ollama create` would refuse {', '.join(refusals(preset))}; {remedy}.")


def _vain(preset: Preset) -> Iterator[tuple[str, Value, str]]:
    """Yield name, value and reason of each knob without effect, those of the thought included."""
    for name, reason in in_vain(preset.knobs).items():
        yield name, getattr(preset.knobs, name), reason
    thinking = preset.pair.while_thinking
    without_effect = inert(thinking) if thinking else {}
    for name, value in preset.pair.thought:
        if name in without_effect:
            yield WHILE_THINKING + name, value, without_effect[name]


def _repeats(modelfile: Modelfile) -> Iterator[PresetFinding]:
    """Yield lines that a later line overrides."""
    last = {command.name: command.line for command in modelfile.commands}
    for command in modelfile.commands:
        row = ROWS.get(command.name)
        adds_up = row.kind is tuple if row else command.name in ("message", "license")
        if not adds_up and last[command.name] != command.line:
            word = "FROM" if command.name == "model" else command.name if row else command.name.upper()
            yield PresetFinding(
                "warning", f"{word} is set again on line {last[command.name]}; that one counts.", command.line
            )


_TYPED_NEWLINE = re.compile(r"\\[nt]")
_OTHER_QUOTES = re.compile(
    "(['\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]).*['\u2018\u2019\u201c\u201d\u00ab\u00bb]", re.DOTALL
)


def _traps(modelfile: Modelfile, text: str) -> Iterator[PresetFinding]:
    for command in modelfile.commands:
        source, value = text[command.start : command.end], command.args
        for trap in _quoting(source, value.partition(": ")[2] if command.name == "message" else value):
            yield PresetFinding("warning", trap, command.line)
        row = ROWS.get(command.name)
        if row and row.kind in (str, tuple) and " #" in value:
            yield PresetFinding(
                "warning", "The text after # is part of the value; a comment needs a line of its own.", command.line
            )
        if command.name == "stop" and _TYPED_NEWLINE.search(value):
            yield PresetFinding(
                "warning", r"\n is two characters here; write quotes with a line end between them.", command.line
            )


def _quoting(source: str, value: str) -> Iterator[str]:
    if sign := dropped(source):
        yield f"Control characters are dropped, such as {sign}."
    first, *more = source.splitlines()
    opened = first.partition('"')[2]
    if more and '"' in opened.strip('"') and not first.partition('"""')[2]:
        yield "Quotes close only at the end of a line, so this text runs on over the lines below."
    if len(value) > 1 and _OTHER_QUOTES.fullmatch(value):
        yield f'{value[0]} is no quote here but part of the text; write ".'
    elif (
        value.endswith('"') and not value.startswith('"') and source.rstrip().endswith(value) and '"' not in value[:-1]
    ):
        yield "It ends in a quote that nothing opens; the quote is part of the text."
