"""Completions for the prompt line, and a completer for each kind of argument. `tui.prompt_line.commands` says which
command takes which; files are completed in `tui.prompt_line.attachments`.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from tui.knobs.setting import spell
from tui.knobs.table import KNOBS
from tui.models.locations import list_models
from tui.presets.library import BrokenPreset, list_presets

Named = tuple[str, str]
"""Name and description."""


class Suggestion(Struct, frozen=True):
    """Text that can replace what is typed."""

    text: str
    about: str = ""
    usage: str = ""
    """Command with all its arguments, where that is more than `text`."""
    unfinished: bool = False
    """True if an argument has to follow."""


class Completion(Struct, frozen=True):
    """Suggestions for the text from `start` to the cursor."""

    start: int
    """Index into the line."""
    typed: str
    suggestions: tuple[Suggestion, ...]
    hint: str = ""
    """Description of the value to type, where it is not one of several."""

    def narrowed(self, line: str) -> "Completion | None":
        """Return the suggestions that a longer line still begins, or None if there are none."""
        typed = line[self.start :]
        if not typed.startswith(self.typed):
            return None
        left = tuple(each for each in self.suggestions if each.text.startswith(typed))
        return Completion(self.start, typed, left, self.hint) if left else None

    def adds_nothing(self, index: int) -> bool:
        """Return True if the suggestion at `index` would add nothing to the typed text."""
        suggestion = self.suggestions[index]
        return self.typed.rstrip() == suggestion.text.rstrip() and not suggestion.unfinished


class CompletionSources(Struct, frozen=True):
    """Names on this machine that an argument can be, read from disk once for many keystrokes."""

    presets: tuple[Named, ...] = ()
    models: tuple[Named, ...] = ()


Completer = Callable[[str, str, CompletionSources], Completion]
"""Completes an argument: its typed part, the argument before it, and the names there are.

`Completion.start` counts from the beginning of the typed part.
"""


def read_sources() -> CompletionSources:
    """Read the names of the presets and models on this machine."""
    presets = (
        (each.name, each.reason if isinstance(each, BrokenPreset) else each.description) for each in list_presets()
    )
    return CompletionSources(tuple(presets), tuple((found.reference, found.owner) for found in list_models()))


def one_of(*words: str) -> Completer:
    """Return a completer for an argument that is one of a few words."""
    return lambda typed, before, sources: _among(((word, "") for word in words), typed)


def complete_knob(typed: str, before: str, sources: CompletionSources) -> Completion:
    """Complete the name of a knob; its value follows."""
    return _among(((name, row.help) for name, row in KNOBS.items()), typed, ends=" ")


def complete_value(typed: str, before: str, sources: CompletionSources) -> Completion:
    """Complete a value of the knob named `before`; a number has only a hint with its range."""
    row = KNOBS.get(before.replace("-", "_"))
    if row is None:
        return Completion(0, typed, ())
    words = row.choices if row.kind is str else tuple(row.words.values())
    numbers = f" It goes {row.range}." if row.kind in (int, float) else ""
    found = _among(((word, "") for word in words), typed)
    return Completion(0, typed, found.suggestions, f"{row.help}{numbers}")


def complete_preset(typed: str, before: str, sources: CompletionSources) -> Completion:
    """Complete the name of a preset."""
    return _among(sources.presets, typed)


def complete_model(typed: str, before: str, sources: CompletionSources) -> Completion:
    """Complete the reference of a model."""
    return _among(sources.models, typed)


def complete_preset_or_model(typed: str, before: str, sources: CompletionSources) -> Completion:
    """Complete the name of a preset or a model, presets first."""
    return _among((*sources.presets, *sources.models), typed)


def complete_setting(typed: str, before: str, sources: CompletionSources) -> Completion:
    """Complete the last part of a setting such as `my.gguf+precise,top_k=3`."""
    end = max(typed.rfind(","), -1 if "=" in typed else typed.rfind("+")) + 1
    earlier, part = typed[:end], typed[end:]
    name, equals, value = part.partition("=")
    if equals:
        found = complete_value(value, name, sources)
        return Completion(len(earlier + name + equals), value, found.suggestions, found.hint)
    models = () if earlier else tuple((spell(name), about) for name, about in sources.models)
    presets = () if earlier.endswith(",") else sources.presets
    found = _among([*presets, *models, *((f"{name}=", row.help) for name, row in KNOBS.items())], part)
    suggestions = (Suggestion(each.text, each.about, unfinished=each.text.endswith("=")) for each in found.suggestions)
    return Completion(end, part, tuple(suggestions))


def _among(named: Iterable[Named], typed: str, ends: str = "") -> Completion:
    """Suggest the names that begin with the typed text, then those that contain it; none if it is the only one."""
    about = dict(named)
    holding = (name for name in about if typed.lower() in name.lower())
    names = sorted(holding, key=lambda name: not name.lower().startswith(typed.lower()))
    suggestions = tuple(Suggestion(name + ends, about[name], unfinished=bool(ends)) for name in names)
    return Completion(0, typed, () if names == [typed] and not ends else suggestions)
