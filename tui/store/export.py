"""Export and import of a conversation: Markdown and HTML to read, lossless JSON for another twiddle."""

import time
from html import escape
from pathlib import Path
from string import Template
from typing import Literal

import msgspec
from markdown_it import MarkdownIt
from msgspec import Struct, json

from tui.conversation.conversation import Conversation, Turn
from tui.errors import StoreError
from tui.store.records import ReplySource, SideRow

Form = Literal["markdown", "json", "html"]
ENDINGS: dict[Form, str] = {"markdown": ".md", "json": ".json", "html": ".html"}
"""File suffix of each format."""

FORMAT = 1

_LATEST = 253_402_300_799
"""The last second of the year 9999."""


class ExportedTurn(Struct, frozen=True):
    """A turn with its time and its source."""

    turn: Turn
    at: float
    """Seconds since 1970."""
    source: ReplySource = ReplySource()


class ExportedConversation(Struct, frozen=True, tag_field="twiddle", tag="conversation", rename={"sides": "seats"}):
    """A whole conversation: all branches, with the traces and logit records of every token."""

    key: str
    title: str
    setting: str
    began: float
    changed: float
    tip: int | None
    said: tuple[ExportedTurn, ...]
    format: int = FORMAT
    sides: tuple[SideRow, ...] = ()
    """Sides it was last saved with."""

    @property
    def path(self) -> tuple[ExportedTurn, ...]:
        """Turns of the branch that was open last."""
        places = Conversation(tuple(each.turn for each in self.said), self.tip).indices
        return tuple(self.said[place] for place in places)


def write(exported: ExportedConversation, form: Form) -> str:
    """Format a conversation; Markdown and HTML have the branch that was open last, JSON has all branches."""
    if form == "json":
        return json.format(json.encode(exported), indent=1).decode() + "\n"
    return _markdown(exported) if form == "markdown" else _html(exported)


def read(text: str, name: str) -> ExportedConversation:
    """Parse JSON made by `write`; raises StoreError."""
    try:
        exported = json.decode(text, type=ExportedConversation)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{name} is not a conversation that twiddle exported: {error}.") from error
    if exported.format > FORMAT:
        raise StoreError(f"{name} was exported by a newer twiddle.")
    turns = [each.turn for each in exported.said]
    if any(turn.parent is not None and not 0 <= turn.parent < place for place, turn in enumerate(turns)):
        raise StoreError(f"{name} is damaged: a turn answers one that is not before it.")
    if not all(0 <= at <= _LATEST for at in (exported.began, exported.changed, *(each.at for each in exported.said))):
        raise StoreError(f"{name} is damaged: something in it was said at a time that cannot be.")
    tips = (exported.tip, *(row.tip for row in exported.sides))
    if any(tip is not None and not 0 <= tip < len(turns) for tip in tips):
        raise StoreError(f"{name} is damaged: it was left at a turn that is not in it.")
    return exported


def speaker(turn: Turn) -> str:
    """Return the author of a turn: You, System, or the preset of a reply."""
    if turn.message.role != "assistant":
        return "You" if turn.message.role == "user" else "System"
    return turn.record.preset if turn.record and turn.record.preset else "Reply"


def remark(turn: Turn) -> str:
    """Describe the knobs and the ending of a reply in one line; empty for a question."""
    parts: list[str] = []
    if turn.record:
        knobs = turn.record.knobs
        parts += [f"temperature {knobs.temperature:g}", f"seed {knobs.seed}"]
        parts += [f"{len(turn.record.knob_changes)} turns of the knobs"] if turn.record.knob_changes else []
    if turn.ending not in (None, "stop"):
        parts.append(str(turn.ending))
    return " · ".join(parts + (["edited"] if turn.edited else []))


def date(seconds: float) -> str:
    """Format a time as local YYYY-MM-DD HH:MM, or `unknown date` where a damaged file has an impossible one."""
    if not 0 <= seconds <= _LATEST:
        return "unknown date"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _markdown(exported: ExportedConversation) -> str:
    parts = [f"# {exported.title or 'Untitled'}\n\n{date(exported.began)}\n"]
    for each in exported.path:
        note = remark(each.turn)
        parts.append(
            f"## {speaker(each.turn)}\n\n{f'*{note}*' + chr(10) * 2 if note else ''}{each.turn.message.content}\n"
        )
    return "\n".join(parts)


def _html(exported: ExportedConversation) -> str:
    # No HTML of the text's own, and no images: a page about a chat asks nobody for anything.
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    articles = []
    for each in exported.path:
        turn = each.turn
        text = turn.message.content.replace("\0", "\ufffd")
        said = markdown.render(text) if turn.message.role == "assistant" else f"<p>{_lines(text)}</p>\n"
        note = remark(turn)
        articles.append(
            f'<article class="{turn.message.role}">\n<h2>{escape(speaker(turn))}</h2>\n'
            f"{f'<small>{escape(note)}</small>' if note else ''}\n{said}</article>"
        )
    title = escape(exported.title or "Untitled")
    page = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    return page.substitute(title=title, date=date(exported.began), body="\n".join(articles))


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")
