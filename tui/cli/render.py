"""`twiddle presets render`: the exact prompt that a preset makes from messages."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import DecodeError, Struct, json

from tui.cli.arguments import SETTING_HELP, ModelName, resolved
from tui.cli.signals import run_async
from tui.cli.stderr import print_notice
from tui.cli.stdout import print_text
from tui.conversation.conversation import Message
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import PromptPiece
from tui.engine.protocol import Render as Ask
from tui.errors import PresetError
from tui.knobs.table import fixed
from tui.paths import decode_text
from tui.presets.gotemplate import TemplateError
from tui.presets.ollama_prompt import OllamaPrompt
from tui.presets.preset import Preset
from tui.presets.tools import ToolMessage
from tui.terminal import safe

EXAMPLE = (ToolMessage(role="user", content="Why is the sky blue?"),)
"""Rendered when no request is given."""


class ChatRequest(Struct, frozen=True):
    """Chat request in the form of Ollama's API."""

    messages: tuple[ToolMessage, ...] = EXAMPLE
    tools: tuple[dict[str, Any], ...] | None = None
    think: bool | str | None = None

    @property
    def chat(self) -> tuple[Message, ...] | None:
        """Return the messages if the request has nothing but roles and texts."""
        plain = [said.plain for said in self.messages]
        whole = tuple(message for message in plain if message is not None)
        return whole if self.tools is None and self.think is None and len(whole) == len(plain) else None

    def fill(self, template: str, opening: tuple[ToolMessage, ...] = ()) -> str:
        """Render the request with a Go template; raises PresetError."""
        try:
            return OllamaPrompt(template).render((*opening, *self.messages), tools=self.tools, think=self.think)
        except TemplateError as error:
            raise PresetError(str(error)) from None


def render(
    preset: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None,
    model: ModelName = None,
    request: Annotated[Path | None, typer.Option(help='A JSON file such as {"messages": [...]}.')] = None,
    template_file: Annotated[Path | None, typer.Option(help="File with a Go template, in place of TEMPLATE.")] = None,
) -> None:
    """Print the exact prompt that the model reads. On a terminal, control tokens are highlighted.

    With a template file and no preset no model is needed.
    """
    asked = _request(request)
    template = _read(template_file) if template_file else ""
    pieces: tuple[PromptPiece, ...]
    if preset is None and model is None and template:
        pieces = (PromptPiece(asked.fill(template), False),)
    else:
        pieces = _rendered(resolved(preset, model).whole, asked, template)
    if not sys.stdout.isatty():
        print_text("".join(piece.text for piece in pieces))
        return
    for piece in pieces:
        text = safe(piece.text)
        typer.secho(text, nl=False, bold=piece.control, reverse=piece.control, fg="cyan" if piece.control else None)
    typer.echo()


def _rendered(preset: Preset, asked: ChatRequest, template: str) -> tuple[PromptPiece, ...]:
    template = template or preset.template or ""
    # A request that says what the system is comes in place of the preset's SYSTEM, as in Ollama.
    own = preset.messages if asked.messages[:1] and asked.messages[0].role == "system" else preset.opening
    if asked.chat is not None:
        return run_async(_ask(preset, (*own, *asked.chat), template))
    if not template:
        raise PresetError(
            "Tools, thinking and what else a request may hold are for templates in Go syntax, and this preset has no "
            "TEMPLATE; leave them out, or name a --template-file."
        )
    return (
        PromptPiece(
            asked.fill(template, tuple(ToolMessage(role=each.role, content=each.content) for each in own)), False
        ),
    )


async def _ask(preset: Preset, messages: tuple[Message, ...], template: str) -> tuple[PromptPiece, ...]:
    async with HeadlessEngine(print_notice) as session:
        await session.load(preset.find_model(), fixed(preset.knobs), lambda share: None)
        return await session.render(Ask("render", messages, template, preset.knobs.thinking))


def _request(path: Path | None) -> ChatRequest:
    if path is None:
        return ChatRequest()
    try:
        return json.decode(_read(path), type=ChatRequest)
    except DecodeError as error:
        raise PresetError(f'{str(path)!r} is no request such as {{"messages": [...]}}: {error}.') from None


def _read(path: Path) -> str:
    try:
        return decode_text(path.read_bytes())
    except UnicodeDecodeError:
        raise PresetError(f"{str(path)!r} is not UTF-8 text.") from None
