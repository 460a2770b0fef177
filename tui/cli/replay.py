"""`twiddle replay`: writes a saved reply again and compares it token by token."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from tui.cli.history import open_store
from tui.cli.signals import run_async
from tui.cli.stderr import WaitingLine, print_hint, print_notice
from tui.cli.stdout import errors_as_json, print_line
from tui.conversation.trace import TokenTrace
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import Prefill, ReplyRequest, Token
from tui.models.reference import find_model
from tui.store.records import ModelFile, StoredReply
from tui.store.replay import check_model, difference, expected, request
from tui.terminal import safe_line


def replay(
    message: Annotated[
        int | None,
        typer.Argument(metavar="MESSAGE", help="Number shown by `history show`; default: the newest reply."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as a JSON object.")] = False,
) -> None:
    """Generate a saved reply again and compare its tokens.

    The model file must be the same. The exit code is 1 if a token differs. None does, on the same machine and build, if
    the reply was written with the knob `reproducible` on.
    """
    with errors_as_json(as_json):
        with open_store() as store:
            stored = store.reply(message)
            path = _model(stored)
            if recorded := stored.source.model:
                sha256 = check_model(recorded)
                if not store.readonly and not recorded.sha256:
                    store.note_sha256(recorded, sha256)
        if stored.source.build not in ("", build()):
            print_notice(
                f"It was written by llama-cpp-python {stored.source.build}, and this is {build()}: it may differ."
            )
        wanted = expected(stored)
        now = run_async(_write(request(stored), path, len(wanted)))
    found = difference(stored, now)
    reproducible = stored.record.knobs.reproducible == "on"
    if found and not reproducible:
        print_notice(
            "It was not written with `reproducible on`, without which the odds may differ in their last digits."
        )
    if as_json:
        print_line(
            tokens=len(wanted),
            reproducible=reproducible,
            identical=found is None,
            difference=asdict(found) if found else None,
        )
    elif found:
        was, comes = safe_line(repr(found.was)), safe_line(repr(found.now))
        typer.echo(f"differs at token {found.index + 1} of {len(wanted)}: it was {was} and is {comes} now")
    else:
        typer.echo(f"identical: {len(wanted)} tokens")
    raise typer.Exit(1 if found else 0)


def build() -> str:
    """Return the version of llama-cpp-python, as replies record it."""
    return version("llama-cpp-python")


def _model(stored: StoredReply) -> Path:
    recorded: ModelFile | None = stored.source.model
    return Path(recorded.path) if recorded else find_model(stored.record.model)


async def _write(reply: ReplyRequest, model: Path, most: int) -> tuple[TokenTrace, ...]:
    """Write the reply and return its traces, at most `most`: a user may have stopped it there."""
    now: list[TokenTrace] = []
    async with HeadlessEngine(print_notice) as session:
        with WaitingLine() as waiting:
            info = await session.load(model, reply.knobs, waiting.loading)
            if info.notice:
                print_notice(info.notice)
            async for event in session.write(reply):
                if isinstance(event, Prefill):
                    waiting.reading(event.done, event.total)
                elif isinstance(event, Token):
                    waiting.writing(len(now))
                    now.append(event.trace)
                    if len(now) == most:
                        session.stop()
    print_hint(f"{info.description}, seed {reply.knobs.seed}")
    return tuple(now)
