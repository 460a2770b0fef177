"""`twiddle history`: saved conversations."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from msgspec import to_builtins

from tui.cli.arguments import UsageError
from tui.cli.stderr import print_notice
from tui.cli.stdout import print_line, print_table, print_text
from tui.conversation.token_measures import MEASURES, Measure
from tui.errors import StoreError
from tui.paths import decode_text, history_path, is_there
from tui.store import export as exports
from tui.store.picture_source import show as show_exhibit
from tui.store.records import StoredConversation, Summary
from tui.store.store import Store
from tui.terminal import safe_line

app = typer.Typer(help="List, search, show, export and delete saved conversations.", no_args_is_help=True)

PATIENCE = 10.0
"""Seconds to wait while a chat writes to the file."""

Form = exports.Form | Literal["svg"]
_ENDINGS: tuple[tuple[Form, str], ...] = (*exports.ENDINGS.items(), ("svg", ".svg"))

Number = Annotated[int, typer.Argument(metavar="CONVERSATION", help="Number shown by `history list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, help="Most to show.")]


@contextmanager
def open_store() -> Iterator[Store]:
    """Open the store, and print its notice if it has one."""
    with closing(Store(history_path(), patience=PATIENCE)) as store:
        if store.notice:
            print_notice(store.notice)
        yield store


@app.command("list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List conversations, the most recent first."""
    with open_store() as store:
        _print(store.list(limit=limit), as_json)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words to find, each matched literally.")],
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List conversations that have all these words.

    Messages and titles are searched.
    """
    with open_store() as store:
        _print(store.list(" ".join(words), limit=limit), as_json)


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show the last open branch of a conversation.

    Every message has its number before it.
    """
    with open_store() as store:
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
    form: Annotated[str, typer.Option("--format", help="markdown, json (all branches), html or svg.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: standard output.")
    ] = None,
    message: Annotated[
        int | None, typer.Option(help="svg: number of the reply; default: the last, on every side.")
    ] = None,
    measure: Annotated[
        str, typer.Option(help="svg: colour tokens by probability, raw, rank or entropy.")
    ] = "probability",
) -> None:
    """Export a conversation. The format follows the file name, unless --format is given.

    svg is a picture of a reply with every token coloured; of a comparison, of all sides and their first difference.
    """
    chosen, coloured = _form(form, output), _measure(measure)
    with open_store() as store:
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
def import_(files: Annotated[list[Path], typer.Argument(help="Files exported as JSON.")]) -> None:
    """Import conversations exported as JSON."""
    with open_store() as store:
        for file in files:
            number = store.add(exports.read(decode_text(file.read_bytes(), "replace"), file.name))
            typer.echo(f"{safe_line(file.name)} is conversation {number} now")


@app.command()
def rename(number: Number, title: Annotated[str, typer.Argument(help="New title.")]) -> None:
    """Rename a conversation."""
    with open_store() as store:
        store.rename(number, title)


@app.command("rm")
def remove(
    numbers: Annotated[list[int], typer.Argument(metavar="CONVERSATION...", help="Numbers shown by `history list`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete conversations permanently."""
    with open_store() as store:
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
def backup(file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Copy the whole history to a file, also while a chat is open.

    To restore it, put the copy in place of the history file.
    """
    if is_there(file):
        raise UsageError(f"{safe_line(str(file))} exists already; name a new file.")
    file.touch(mode=0o600)
    with open_store() as store:
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
