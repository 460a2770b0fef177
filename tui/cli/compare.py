"""`twiddle compare`: two settings on one prompt."""

from itertools import groupby, pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from msgspec.structs import asdict
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui.cli.arguments import (
    SETTING_HELP,
    ModelName,
    ThemeName,
    UsageError,
    choose,
    load_config,
    read_prompt,
    require_screen,
)
from tui.cli.signals import run_async, stopped_by_ctrl_c
from tui.cli.stderr import WaitingLine, format_cost, print_notice
from tui.cli.stdout import errors_as_json, print_line
from tui.conversation.conversation import Message
from tui.conversation.trace import diverged_at
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import Finished, Prefill, ReplyRequest, Thinking, Token
from tui.errors import EngineError
from tui.knobs.table import common_seed, fixed, turn
from tui.presets.library import ResolvedSetting
from tui.session.side import RunningReply
from tui.terminal import safe, safe_line

PARTING = "⑂"
"""Mark before the first token that differs, visible without colour."""


def compare(
    left: Annotated[str, typer.Argument(metavar="A", help=SETTING_HELP)],
    right: Annotated[str, typer.Argument(metavar="B", help="Another SETTING.")],
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", help="Ask this, print both replies, open no screen.")
    ] = None,
    model: ModelName = None,
    as_json: Annotated[bool, typer.Option("--json", help="With -p: print both replies as one JSON object.")] = False,
    theme: ThemeName = None,
) -> None:
    """Put two settings side by side.

    Both draw with one seed, unless each says its own: they differ only because of their knobs. With -p, what is piped
    in is added after the prompt.
    """
    with errors_as_json(as_json):
        if prompt is None:
            _open_screen(left, right, model, as_json, theme)
        else:
            _print_replies(columns(choose(left, model), choose(right, model), read_prompt(prompt)), as_json)


def _open_screen(left: str, right: str, model: str | None, as_json: bool, theme: str | None) -> None:
    if as_json:
        raise UsageError("--json needs a prompt; add one with -p.")
    require_screen("twiddle compare A B -p PROMPT")
    settled = load_config(theme)
    sides = [choose(each, model, settled.config) for each in (left, right)]
    from tui.ui import start

    chosen, models = zip(*sides, strict=True)
    raise typer.Exit(start(chosen, models, settled, keep=settled.config.history))


class ReplyColumn(NamedTuple):
    """One of the two replies so far."""

    setting: str
    model: Path
    reply: ReplyRequest
    writing: RunningReply

    def add(self, event: Token | Finished) -> None:
        """Handle an event of the reply."""
        if isinstance(event, Token):
            self.writing.append(event)
        else:
            self.writing.text, self.writing.ending, self.writing.stats = event.text, event.ending, event.stats

    @property
    def pieces(self) -> list[str]:
        """Text that each token added."""
        return [self.writing.text[start:end] for start, end in pairwise((*self.writing.offsets, None))]


Pair = tuple[ReplyColumn, ReplyColumn]


def columns(left: tuple[ResolvedSetting, Path], right: tuple[ResolvedSetting, Path], asked: str) -> Pair:
    """Build both requests, with one seed unless each has its own."""
    common = common_seed(left[0].knobs, right[0].knobs)

    def column(name: str, chosen: ResolvedSetting, model: Path) -> ReplyColumn:
        for note in chosen.preset.notes:
            print_notice(note)
        knobs = chosen.knobs if chosen.knobs.seed >= 0 else turn(chosen.knobs, seed=common)
        messages = (*chosen.preset.opening, Message("user", asked))
        pair = chosen.pair._replace(answer=knobs)
        template, thinking = chosen.preset.template or "", pair.while_thinking
        reply = ReplyRequest(name, messages, knobs, template=template, thinking=thinking)
        return ReplyColumn(str(chosen.setting), model, reply, RunningReply(name, pair))

    return column("left", *left), column("right", *right)


def parting(left: ReplyColumn, right: ReplyColumn) -> int | None:
    """Return the index of the first token that differs. Tokens of two models are compared by text."""
    complete = left.writing.ending is not None and right.writing.ending is not None
    if left.model == right.model:
        return diverged_at(left.writing.ids, right.writing.ids, complete=complete)
    return diverged_at(left.pieces, right.pieces, complete=False)


# --- writing --------------------------------------------------------------------------------------------------------


def _print_replies(pair: Pair, as_json: bool) -> None:
    try:
        run_async(_write(pair))
    except EngineError:
        if not as_json:
            print_columns(*pair)
        raise
    if as_json:
        print_object(*pair)
    else:
        print_columns(*pair)
    if _stopped(pair):
        raise typer.Exit(130)


async def _write(pair: Pair) -> None:
    async with HeadlessEngine(print_notice) as session:
        with WaitingLine() as waiting:
            for _, group in groupby(pair, lambda column: (column.model, fixed(column.reply.knobs))):
                if not _stopped(pair):
                    await _write_together(session, tuple(group), waiting)


async def _write_together(session: HeadlessEngine, group: tuple[ReplyColumn, ...], waiting: WaitingLine) -> None:
    """Write the replies of one model in one request: they are decoded once for as long as they agree."""
    info = await session.load(group[0].model, group[0].reply.knobs, waiting.loading)
    if info.notice:
        print_notice(info.notice)
    column = {each.reply.id: each for each in group}
    with stopped_by_ctrl_c(session):
        async for event in session.write(*(each.reply for each in group)):
            if isinstance(event, Prefill):
                waiting.reading(event.done, event.total)
            elif not isinstance(event, Thinking):
                column[event.id].add(event)
                waiting.writing(sum(len(each.writing.ids) for each in group))


def _stopped(pair: Pair) -> bool:
    return any(column.writing.ending == "stopped" for column in pair)


# --- printing -------------------------------------------------------------------------------------------------------


def print_columns(left: ReplyColumn, right: ReplyColumn) -> None:
    """Print the replies side by side, with a mark at the first difference."""
    index = parting(left, right)
    table = Table(box=SIMPLE_HEAD, expand=True, show_footer=True, footer_style="dim")
    for column in (left, right):
        stats, seed = column.writing.stats, column.writing.knobs.seed
        footer = Text(format_cost(stats, seed) if stats else "not finished")
        table.add_column(Text(safe_line(column.setting)), footer, ratio=1, overflow="fold")
    table.add_row(_marked(left, index), _marked(right, index))
    console = Console()
    console.print(table)
    if index is not None:
        console.print(Text(f"{PARTING} They part at token {index}."))
    elif left.writing.ending and right.writing.ending:
        console.print(Text("They agree to the last token."))


def _marked(column: ReplyColumn, index: int | None) -> Text:
    if index is None:
        return Text(safe(column.writing.text))
    pieces = column.pieces
    before, token, after = pieces[:index], pieces[index : index + 1], pieces[index + 1 :]
    return Text.assemble(
        safe("".join(before)), (PARTING + safe("".join(token)), "bold underline"), safe("".join(after))
    )


def print_object(left: ReplyColumn, right: ReplyColumn) -> None:
    """Print the replies as one JSON object."""
    print_line(sides=[_fields(left), _fields(right)], diverged_at=parting(left, right))


def _fields(column: ReplyColumn) -> dict[str, Any]:
    writing = column.writing
    return {
        "setting": column.setting,
        "text": writing.text,
        "tokens": writing.ids,
        "finish": writing.ending,
        "seed": writing.knobs.seed,
        "stats": writing.stats and asdict(writing.stats),
    }
