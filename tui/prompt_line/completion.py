"""How what is typed in the prompt can go on: commands and what they take. Files: `tui.prompt_line.attachments`."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from tui.knobs.table import KNOBS
from tui.models.locations import list_models
from tui.presets.library import BrokenPreset, list_presets
from tui.prompt_line.commands import COMMANDS, PARTS

Named = tuple[str, str]
"""A name, and a line about it."""


class Suggestion(Struct, frozen=True):
    """One way to go on."""

    text: str
    """What takes the place of what is typed."""
    about: str = ""
    usage: str = ""
    """How all of it is written, where that is more than the text."""
    unfinished: bool = False
    """Whether it needs something after it."""


class Completion(Struct, frozen=True):
    """The ways to go on from what is typed."""

    start: int
    """Where in the line it begins."""
    typed: str
    suggestions: tuple[Suggestion, ...]
    hint: str = ""
    """What is to be typed, where that is not one of several."""

    def narrowed(self, line: str) -> "Completion | None":
        """Those that still go on from the line, when more of it is typed; None when it has become another."""
        typed = line[self.start :]
        if not typed.startswith(self.typed):
            return None
        left = tuple(each for each in self.suggestions if each.text.startswith(typed))
        return Completion(self.start, typed, left, self.hint) if left else None

    def settled(self, index: int) -> bool:
        """Whether that suggestion would add nothing to what is typed."""
        suggestion = self.suggestions[index]
        return self.typed.rstrip() == suggestion.text.rstrip() and not suggestion.unfinished


class CompletionSources(Struct, frozen=True):
    """What commands can name: it is read from the disk, so not at every key."""

    presets: tuple[Named, ...] = ()
    models: tuple[Named, ...] = ()


def take_stock() -> CompletionSources:
    """What there is on this machine now."""
    presets = (
        (each.name, each.reason if isinstance(each, BrokenPreset) else each.description) for each in list_presets()
    )
    return CompletionSources(tuple(presets), tuple((found.reference, found.place) for found in list_models()))


def complete(line: str, library: CompletionSources) -> Completion | None:
    """How a line that begins with a slash can go on; None when there is nothing to say."""
    if not line.startswith("/"):
        return None
    begun = tuple(command for command in commands() if command.text.strip().startswith(line))
    if begun:
        return Completion(0, line, begun)
    for usage in COMMANDS:
        fixed = _fixed(usage) + " "
        taken = usage[len(fixed) :].split()
        *done, typed = line.removeprefix(fixed).split(" ")
        if line.startswith(fixed) and len(done) < len(taken):
            return _placed(_argument(taken[len(done)].strip("[]"), typed, done, library), len(line))
    return None


def commands() -> tuple[Suggestion, ...]:
    """Every command, and whether it needs something after it."""
    return tuple(_command(usage, about) for usage, about in COMMANDS.items())


def _fixed(usage: str) -> str:
    """The words of a usage that are always the same."""
    words = usage.split()
    return " ".join(word for word in words if word.islower() and "|" not in word and "[" not in word)


def _command(usage: str, about: str) -> Suggestion:
    fixed = _fixed(usage)
    takes = usage[len(fixed) :].strip()
    return Suggestion(f"{fixed} " if takes else fixed, about, usage, unfinished=bool(takes) and takes[0] != "[")


def _argument(kind: str, typed: str, done: list[str], library: CompletionSources) -> Completion:
    match kind:
        case "KNOB":
            return _among(((name, row.help) for name, row in KNOBS.items()), typed, ends=" ")
        case "VALUE":
            return _value(done[-1], typed)
        case "PRESET":
            return _among(library.presets, typed)
        case "MODEL":
            return _among(library.models, typed)
        case "PRESET|MODEL":
            return _among((*library.presets, *library.models), typed)
        case "SETTING":
            return _setting(typed, library)
        case "PART":
            return _among(((part, "") for part in PARTS), typed)
    return _among(((word, "") for word in kind.split("|") if "|" in kind), typed)


def _value(name: str, typed: str) -> Completion:
    row = KNOBS.get(name.replace("-", "_"))
    if row is None:
        return Completion(0, typed, ())
    words = row.choices if row.kind is str else tuple(row.words.values())
    numbers = f" It goes {row.range}." if row.kind in (int, float) else ""
    found = _among(((word, "") for word in words), typed)
    return Completion(0, typed, found.suggestions, f"{row.help}{numbers}")


def _setting(typed: str, library: CompletionSources) -> Completion:
    before, comma, part = typed.rpartition(",")
    name, equals, value = part.partition("=")
    if equals:
        found = _value(name, value)
        return Completion(len(before + comma + name + equals), value, found.suggestions, found.hint)
    presets = () if comma else library.presets
    found = _among([*presets, *((f"{name}=", row.help) for name, row in KNOBS.items())], part)
    suggestions = (Suggestion(each.text, each.about, unfinished=each.text.endswith("=")) for each in found.suggestions)
    return Completion(len(before + comma), part, tuple(suggestions))


def _among(named: Iterable[Named], typed: str, ends: str = "") -> Completion:
    """Those that begin with what is typed, then those that hold it; none when it is one of them already."""
    rows = list(named)
    names = list(_matching((name for name, _ in rows), typed))
    about = dict(rows)
    suggestions = tuple(Suggestion(name + ends, about[name], unfinished=bool(ends)) for name in names)
    return Completion(0, typed, () if names == [typed] and not ends else suggestions)


def _matching(names: Iterable[str], typed: str) -> Iterator[str]:
    held = [name for name in names if typed.lower() in name.lower()]
    yield from sorted(held, key=lambda name: not name.lower().startswith(typed.lower()))


def _placed(found: Completion, end: int) -> Completion | None:
    """The completion of an argument at its place in the line; None when it says nothing."""
    if not found.suggestions and not found.hint:
        return None
    return Completion(end - len(found.typed), found.typed, found.suggestions, found.hint)
