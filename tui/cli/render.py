"""`twiddle presets render`: the exact prompt that a preset makes of messages."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec import DecodeError, Struct, json

from tui.chat import Message
from tui.cli.signals import converse
from tui.engine.protocol import Piece
from tui.engine.protocol import Render as Ask
from tui.engine.session import Session
from tui.errors import PresetError
from tui.knobs import fixed
from tui.models.reference import find_model
from tui.presets.library import find_preset
from tui.presets.preset import Preset
from tui.presets.prompting import Prompting
from tui.terminal import safe

EXAMPLE = (Message("user", "Why is the sky blue?"),)
"""Rendered when no request is given."""


class Request(Struct):
    """What is asked, as Ollama's chat requests have it."""

    messages: tuple[Message, ...] = EXAMPLE
    think: bool | str | None = None


def render(
    preset: Annotated[str | None, typer.Argument(help="A preset, or the path of a Modelfile or GGUF.")] = None,
    request: Annotated[Path | None, typer.Option(help='A JSON file such as {"messages": [...]}.')] = None,
    template_file: Annotated[Path | None, typer.Option(help="A template in Go syntax, in place of TEMPLATE.")] = None,
) -> None:
    """Print the prompt that the model would read. On a terminal control tokens stand out from text.

    With a template file and no preset no model is needed.
    """
    asked = _request(request)
    template = _read(template_file) if template_file else ""
    if preset is None and template:
        pieces: tuple[Piece, ...] = (Piece(Prompting(template).render(asked.messages, think=asked.think), False),)
    else:
        chosen = find_preset(preset or "default")
        pieces = converse(_ask(chosen, asked, template or chosen.template or ""))
    styled = sys.stdout.isatty()
    for piece in pieces:
        text = safe(piece.text) if styled else piece.text
        typer.secho(text, nl=False, bold=piece.control, fg="cyan" if piece.control else None)
    if styled:
        typer.echo()


async def _ask(preset: Preset, asked: Request, template: str) -> tuple[Piece, ...]:
    model = find_model(preset.model, beside=preset.path.parent if preset.path else None)
    async with Session() as session:
        await session.load(model, fixed(preset.knobs), lambda share: None)
        think = preset.knobs.thinking if asked.think is None else "on" if asked.think else "off"
        return await session.render(Ask("render", (*preset.opening, *asked.messages), template, think))


def _request(path: Path | None) -> Request:
    if path is None:
        return Request()
    try:
        return json.decode(_read(path), type=Request)
    except DecodeError as error:
        raise PresetError(f'{str(path)!r} is no request such as {{"messages": [...]}}: {error}.') from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PresetError(f"{str(path)!r} is not UTF-8 text.") from None
