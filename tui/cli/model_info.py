"""Report of `twiddle models info`: parts of a model file, its size and the memory it needs."""

import typer

from tui.cli.stdout import is_terminal, print_table
from tui.models.memory import show_size
from tui.models.model_info import ModelFacts
from tui.models.quantization import BY_NAME
from tui.terminal import safe

_BAR = 24


def print_facts(facts: ModelFacts, verdict: str) -> None:
    """Print what a model is, what it consists of, and the memory it needs."""
    _print_part("model", ("", ""), _identity(facts))
    _print_part("shape", ("", ""), _drawing(facts) if is_terminal() else _shape(facts))
    _print_part("tensors", ("type", "tensors", "numbers", "size", "bits", "share"), _kinds(facts))
    _print_part("tokenizer", ("", ""), _tokenizer(facts))
    _print_part("memory", ("", "", ""), _memory(facts))
    _print_part("verdict", ("",), [(verdict,)])
    _print_part("weights", ("as", "size", "with cache and compute"), _precisions(facts))
    _print_part("metadata", ("key", "value"), list(facts.metadata.items()))
    _print_part("template", ("",), [(line,) for line in safe(facts.template or "none").split("\n")])
    _print_part("notes", ("",), [(note,) for note in facts.notes])


def count(number: int) -> str:
    """Format a large number: `135M`, `7.2B`."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.{0 if number >= 100 * size else 1}f}{unit}"
    return str(number)


def _print_part(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not rows:
        return
    if is_terminal():
        typer.secho(title.capitalize(), bold=True)
        print_table(headings, rows, right=("tensors", "numbers", "size", "bits"))
        typer.echo()
    else:
        print_table(headings, [(title, *row) for row in rows])


def _identity(facts: ModelFacts) -> list[tuple[str, ...]]:
    meant = {"instruct": "instruct: trained to answer", "base": "base: trained to go on with a text, not to answer"}
    return [
        ("name", facts.name),
        ("file", str(facts.path)),
        ("size", f"{show_size(facts.size)}, GGUF version {facts.version}, aligned to {facts.alignment} bytes"),
        ("kind", f"{facts.architecture}, {count(facts.parameters)} parameters, {facts.quantization}"),
        ("training", meant[facts.trained]),
        ("licence", facts.licence),
    ]


def _shape(facts: ModelFacts) -> list[tuple[str, ...]]:
    return [(word, f"{number:,}") for word, number in facts.shape.items()]


def _drawing(facts: ModelFacts) -> list[tuple[str, ...]]:
    """Draw the layers that a token passes, from top to bottom."""
    shape = facts.shape
    width, heads = f"{shape.get('width', 0):,}", shape.get("attention heads", 0)
    attention = f"attention: {heads} heads, {shape.get('key and value heads', heads)} of keys and values"
    if "sliding window" in shape:
        attention += f", a window of {shape['sliding window']:,} tokens in some"
    inner = f"feed-forward: {width} \u2192 {shape.get('feed-forward', 0):,} \u2192 {width}"
    if "experts" in shape:
        inner += f", {shape.get('experts at a time', 0)} of {shape['experts']} experts"
    tokens = f"{facts.tokenizer.tokens:,}"
    return [
        ("", f"{tokens} tokens \u2192 {width} numbers each, {shape.get('context', 0):,} tokens at most"),
        (f"{shape.get('layers', 0)} times", f"\u250c {attention if heads else 'recurrent, without attention'}"),
        ("", f"\u2514 {inner}"),
        ("", f"{width} numbers \u2192 {tokens} logits"),
    ]


def _kinds(facts: ModelFacts) -> list[tuple[str, ...]]:
    whole = sum(kind.size for kind in facts.tensor_groups) or 1
    return [
        (
            kind.type,
            str(kind.tensors),
            count(kind.numbers),
            show_size(kind.size),
            f"{BY_NAME[kind.type].bits:g}",
            "\u2588" * round(_BAR * kind.size / whole) + f" {kind.size / whole:.0%}".replace(" 0%", "< 1%"),
        )
        for kind in facts.tensor_groups
    ]


def _tokenizer(facts: ModelFacts) -> list[tuple[str, ...]]:
    tokenizer = facts.tokenizer
    return [
        ("model", tokenizer.model),
        ("vocabulary", f"{tokenizer.tokens:,} tokens, {tokenizer.merges:,} merges"),
        *((f"{role} token", repr(token)) for role, token in tokenizer.special.items()),
    ]


def _memory(facts: ModelFacts) -> list[tuple[str, ...]]:
    memory = facts.memory
    return [
        ("weights", show_size(memory.weights), "mapped from the file"),
        ("KV cache", show_size(memory.cache), f"for {memory.context:,} tokens; num_ctx sets it"),
        ("compute", show_size(memory.compute), "one batch, the logits, the tokenizer"),
        ("together", show_size(memory.total), ""),
    ]


def _precisions(facts: ModelFacts) -> list[tuple[str, ...]]:
    rest = facts.memory.cache + facts.memory.compute
    here = (f"{facts.quantization} (this file)", facts.memory.weights)
    return [(kind, show_size(size), show_size(size + rest)) for kind, size in (here, *facts.precisions.items())]
