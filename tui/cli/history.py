"""`twiddle history`: the conversations that were kept."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from msgspec import to_builtins

from tui.cli.arguments import UsageError
from tui.cli.stderr import tell
from tui.cli.stdout import print_line, print_text
from tui.cli.tables import print_table
from tui.conversation.token_measures import MEASURES, Measure
from tui.errors import StoreError
from tui.paths import history_path
from tui.store import export as exports
from tui.store.picture_source import show as show_exhibit
from tui.store.records import StoredConversation, Summary
from tui.store.store import Store
from tui.terminal import safe_line

app = typer.Typer(help="The conversations that were kept, on this machine alone.", no_args_is_help=True)

PATIENCE = 10.0
"""Seconds to wait for a chat that is just writing."""

Form = exports.Form | Literal["svg"]
_ENDINGS: tuple[tuple[Form, str], ...] = (*exports.ENDINGS.items(), ("svg", ".svg"))

Number = Annotated[int, typer.Argument(metavar="CONVERSATION", help="Its number in the list.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, help="How many to show at most.")]


@contextmanager
def opened() -> Iterator[Store]:
    """The store, for as long as the command runs; what there is to know of it is told."""
    with closing(Store(history_path(), patience=PATIENCE)) as store:
        if store.notice:
            tell(store.notice)
        yield store


@app.command("list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List conversations, the one talked in last first."""
    with opened() as store:
        _print(store.list(limit=limit), as_json)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="What to look for; every word as it is written.")],
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List conversations that have all these words in a message or in the title."""
    with opened() as store:
        _print(store.list(" ".join(words), limit=limit), as_json)


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show a conversation along the branch that was read last, with the number of every message."""
    with opened() as store:
        kept = store.load(number)
    if as_json:
        for line in _messages(kept):
            print_line(**line)
        return
    typer.echo(f"{safe_line(kept.title)}  ({exports.date(kept.began)})")
    for line in _messages(kept):
        note = f" · {line['remark']}" if line["remark"] else ""
        typer.echo(f"\n[{line['message']}] {safe_line(line['speaker'])}{safe_line(note)}")
        print_text(f"{line['text']}\n")


@app.command()
def export(
    number: Number,
    form: Annotated[str, typer.Option("--format", help="markdown, json (lossless), html or svg.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else it is printed.")
    ] = None,
    message: Annotated[
        int | None, typer.Option(help="For svg: the reply, by its number; else the last, or of a comparison all last.")
    ] = None,
    measure: Annotated[
        str, typer.Option(help="For svg: what the tokens are coloured by: probability, raw, rank or entropy.")
    ] = "probability",
) -> None:
    """Write a conversation for elsewhere. The form is that of the file's name, unless --format says another.

    svg is a picture of how a reply was chosen, token by token; of a comparison, of all sides with where they part.
    """
    chosen, coloured = _form(form, output), _measure(measure)
    with opened() as store:
        if chosen == "svg":
            from tui.ui.picture import draw

            text = draw(show_exhibit(store, number, message), coloured)
        else:
            text = exports.write(store.export(number), chosen)
    if output is None:
        print_text(text)
        return
    output.touch(mode=0o600)
    output.write_text(text, encoding="utf-8", errors="replace")


@app.command("import")
def import_(files: Annotated[list[Path], typer.Argument(help="Conversations exported as JSON.")]) -> None:
    """Take conversations in that were exported as JSON, with every branch and trace."""
    with opened() as store:
        for file in files:
            number = store.add(exports.read(file.read_text(encoding="utf-8", errors="replace"), file.name))
            typer.echo(f"{safe_line(file.name)} is conversation {number} now")


@app.command()
def rename(number: Number, title: Annotated[str, typer.Argument(help="The new title.")]) -> None:
    """Give a conversation another title."""
    with opened() as store:
        store.rename(number, title)


@app.command("rm")
def remove(
    numbers: Annotated[list[int], typer.Argument(metavar="CONVERSATION...", help="Their numbers in the list.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove conversations for good."""
    with opened() as store:
        titles = [store.load(number).title for number in numbers]
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("Nobody can be asked here; say --yes to remove them for good.")
            for number, title in zip(numbers, titles, strict=True):
                typer.echo(f"{number}  {safe_line(title)}")
            typer.confirm("Remove for good?", abort=True)
        for number in numbers:
            store.remove(number)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Copy the whole history, also while a chat writes in it; put it back by putting the file in its place."""
    if file.exists():
        raise UsageError(f"{safe_line(str(file))} exists already; name a new file.")
    file.touch(mode=0o600)
    with opened() as store:
        store.back_up(file)


def _print(entries: tuple[Summary, ...], as_json: bool) -> None:
    if as_json:
        for entry in entries:
            print_line(**to_builtins(entry))
        return
    found = any(entry.found for entry in entries)
    print_table(
        ("", "when", "messages", "title", "setting", *(("found",) if found else ())),
        (
            (
                str(entry.id), exports.date(entry.changed), str(entry.messages), entry.title, entry.setting,
                *((entry.found,) if found else ()),
            )
            for entry in entries
        ),
        right=("", "messages"),
    )  # fmt: skip


def _messages(kept: StoredConversation) -> Iterator[dict[str, Any]]:
    for place in kept.conversation.indices:
        turn = kept.conversation.turns[place]
        yield {
            "message": kept.position.turns[place],
            "role": turn.message.role,
            "speaker": exports.speaker(turn),
            "remark": exports.remark(turn),
            "at": kept.at[place],
            "text": turn.message.content,
        }


def _measure(name: str) -> Measure:
    for measure in MEASURES:
        if name in (measure.name, measure.short):
            return measure
    raise UsageError(f"There is no measure {name!r}; it is probability, raw, rank or entropy.")


def _form(name: str, output: Path | None) -> Form:
    if name:
        for form, _ in _ENDINGS:
            if form == name:
                return form
        raise UsageError(f"There is no format {name!r}; it is one of {', '.join(form for form, _ in _ENDINGS)}.")
    for form, ending in _ENDINGS:
        if output and output.suffix == ending:
            return form
    if output and output.suffix:
        raise StoreError(f"{output.suffix} is no format; end the file in .md, .json, .html or .svg, or say --format.")
    return "markdown"
