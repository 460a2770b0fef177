"""`twiddle models`: list, inspect and download models."""

import json
from shlex import quote
from typing import Annotated, Any

import msgspec
import typer

from tui.cli.arguments import UsageError
from tui.cli.model_info import print_facts
from tui.cli.signals import run_async
from tui.cli.stderr import print_notice
from tui.cli.stdout import is_terminal, print_table
from tui.engine.hardware import Machine
from tui.engine.process.headless import HeadlessEngine
from tui.errors import ModelError
from tui.knobs.table import Knobs, turn
from tui.models.free_memory import FreeMemory, measure_memory, with_gpu
from tui.models.hub import parse_bare, parse_hub
from tui.models.locations import FoundModel, list_models
from tui.models.memory import show_size, verdict
from tui.models.model_info import quantization_of, read_facts, size_of
from tui.models.preflight import check_model
from tui.models.reference import find_model
from tui.terminal import safe_line

app = typer.Typer(help="List, inspect and download models.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the models on this machine, as FROM names them."""
    faults: list[str] = []
    rows = [_row(found) for found in list_models(faults)]
    for fault in faults:
        print_notice(fault)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    sizes: Any = show_size if is_terminal() else str
    print_table(
        ("model", "size", "quantization", "context", "from", "file"),
        [
            (
                row["model"],
                sizes(row["size"]),
                f"broken: {row['broken']}" if "broken" in row else row["quantization"],
                str(row.get("context", "")),
                row["from"],
                row["file"],
            )
            for row in rows
        ],
        right=("size", "context"),
    )


@app.command()
def info(
    model: Annotated[str, typer.Argument(help="starter, a path, hf.co/USER/REPO, ollama:NAME.")],
    num_ctx: Annotated[int, typer.Option(help="Context in tokens to estimate memory for; 0 is auto.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the parts of a model, and if it fits in memory."""
    facts = read_facts(find_model(model), turn(Knobs(), num_ctx=num_ctx))
    room = _room()
    judged = verdict(facts.memory, room) if room else None
    if as_json:
        known = msgspec.to_builtins(facts, enc_hook=str)
        typer.echo(json.dumps({**known, "room": _plain(room), "verdict": _plain(judged)}, indent=2))
    else:
        print_facts(facts, judged.sentence if judged else "the memory of this machine cannot be told")


@app.command()
def pull(
    model: Annotated[str, typer.Argument(help="USER/REPO, USER/REPO:QUANTIZATION, or the address of a model page.")],
) -> None:
    """Download a model from the Hub and print its path.

    It resumes an interrupted download, and checks the file against its sha256, also one that is already here. No
    other command uses the network.
    """
    reference = parse_hub(model) or parse_bare(model)
    if reference is None:
        raise UsageError(f"{model!r} is not on the Hub; write hf.co/USER/REPO or hf.co/USER/REPO:Q4_K_M.")
    # Every other command stays without the network, and starts sooner.
    from tui.cli.progress import bars
    from tui.models.pull import pull as fetch

    with bars() as tell_progress:
        path = fetch(reference, tell_progress)
    typer.echo(safe_line(str(path)))
    print_notice(f"It is ready; `twiddle chat {quote(str(reference))}` opens it, and FROM {reference} names it.")


# --- parts ----------------------------------------------------------------------------------------------------------


def _row(found: FoundModel) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": found.reference,
        "size": size_of(found.path),
        "from": found.owner,
        "file": str(found.path),
    }
    try:
        header = check_model(found.path)
    except ModelError as error:
        return row | {"broken": str(error)}
    return row | {"quantization": quantization_of(header, found.path), "context": header.number("context_length")}


def _room() -> FreeMemory | None:
    """Return the free memory of this machine; of a GPU only if this build can use it."""
    room = measure_memory()
    larger = with_gpu(room) if room else None
    return larger if larger and larger.gpu and run_async(_describe()).offload else room


async def _describe() -> Machine:
    async with HeadlessEngine() as session:
        return await session.describe()


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
