"""Keys that can be bound, and the user's own choice of them.

Every binding of the program has an id such as `knob.reset`: a place and what is done there. Textual's `set_keymap`
takes any text for a key and deletes what a new key clashes with, so a choice is read here first, and a line with a
fault is left out.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, Keys, key_to_character
from textual.screen import Screen

from tui.config import config_path
from tui.errors import did_you_mean
from tui.terminal import safe_line
from tui.ui.textual_private import character_to_key

PLACES = {"app": "Everywhere", "chat": "In the chat"}
"""Headings of the ids that work in more than one widget."""

_MODIFIERS = {"ctrl", "alt", "shift", "super", "hyper", "meta"}
_NAMED = {key.value.rpartition("+")[2] for key in Keys} | set(KEY_ALIASES)
_TWINS = {"ctrl+m": "enter", "ctrl+i": "tab", "ctrl+left_square_bracket": "escape", "ctrl+h": "backspace"}
"""Keys for which most terminals send another one, and which."""
_FIXED = {"tab": "moves the focus", "shift+tab": "moves the focus", "ctrl+c": "copies what is selected"}


class KeyBinding(NamedTuple):
    """Binding with an id, its keys and its description."""

    id: str
    keys: tuple[str, ...]
    what: str
    node: type[DOMNode]

    @property
    def place(self) -> str:
        """Part of the id before the dot."""
        return self.id.partition(".")[0]

    @property
    def in_prompt(self) -> bool:
        """True if it works while one types in the prompt."""
        return self.place in ("app", "chat", "prompt")


class UserKeys(NamedTuple):
    """Keys of the table [keys] as `set_keymap` expects them, and a sentence for each line that was left out."""

    keymap: dict[str, str]
    faults: tuple[str, ...] = ()


@cache
def bound() -> dict[str, KeyBinding]:
    """Return every binding by its id, sorted by place."""
    found: dict[str, KeyBinding] = {}
    for node, binding in own_bindings():
        if binding.id:
            keys = tuple(key.strip() for key in binding.key.split(","))
            known = found.get(binding.id)
            found[binding.id] = KeyBinding(
                binding.id,
                (*known.keys, *keys) if known else keys,
                known.what if known else binding.tooltip or binding.description,
                node,
            )
    order = [*PLACES, "prompt", "transcript"]
    return dict(sorted(found.items(), key=lambda item: _rank(item[1].place, order)))


def own_bindings() -> Iterator[tuple[type[DOMNode], Binding]]:
    """Yield each binding that a class of this package declares, with the class."""
    # By name: an import statement would close a circle with the package, whose app imports this module.
    package = importlib.import_module("tui.ui")
    for module in pkgutil.walk_packages(package.__path__, "tui.ui."):
        for node in vars(importlib.import_module(module.name)).values():
            if isinstance(node, type) and issubclass(node, DOMNode) and node.__module__ == module.name:
                yield from ((node, binding) for binding in vars(node).get("BINDINGS", ()))


def read_keys(asked: Mapping[str, str]) -> UserKeys:
    """Read the table [keys]: each line by itself, then the lines for clashes with each other."""
    faults: list[str] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for name, text in asked.items():
        keys = tuple(_normal(key) for key in text.split(","))
        fault = next(filter(None, (_fault(name, key) for key in keys)), None)
        if fault:
            faults.append(fault)
        else:
            chosen[name] = keys
    while clash := _clash(chosen):
        name, fault = clash
        del chosen[name]
        faults.append(fault)
    keymap = {name: ",".join(keys) for name, keys in chosen.items()}
    return UserKeys(keymap, tuple(safe_line(f"{config_path()}, [keys]: {fault}") for fault in faults))


def _fault(name: str, key: str) -> str | None:
    """Return the reason why a key cannot be bound to an id, or None."""
    what = bound().get(name)
    if what is None:
        return f"there is nothing called {name!r}.{did_you_mean(name, bound())} docs/keys.md has the names."
    if not _is_key(key):
        return f"{name}: {key!r} is no key; write one like f9, ctrl+k or alt+up, several with commas."
    if key in _TWINS:
        return f"{name}: most terminals send {_TWINS[key]} for {key}; choose another."
    if key in what.keys:
        return None
    if key in _FIXED:
        return f"{name}: {key} {_FIXED[key]} everywhere; choose another."
    character = key_to_character(key)
    if what.in_prompt and character and character.isprintable():
        return f"{name}: {key} is typed into the prompt, where this has to work; add ctrl+ or alt+, or take an F key."
    if taken := _inherited(what).get(key):
        return f"{name}: {key} is there already for {taken!r}, which cannot be moved; choose another."
    return None


def _inherited(what: KeyBinding) -> dict[str, str]:
    """Return Textual's own keys that work in the same place, with their descriptions."""
    nodes = [what.node]
    if what.in_prompt:
        nodes += {each.node for each in bound().values() if each.place == "prompt"}
    unnamed = (
        binding
        for node in nodes
        for base in node.__mro__
        for binding in Binding.make_bindings(vars(base).get("BINDINGS", ()))
        if not binding.id
    )
    return {binding.key: binding.description for binding in unnamed}


def _clash(chosen: dict[str, tuple[str, ...]]) -> tuple[str, str] | None:
    """Return the id of the last line whose key has another meaning in the same place, and a sentence about it."""
    for name in reversed(chosen):
        for other in bound().values():
            for key in chosen[name]:
                taken = chosen.get(other.id, other.keys)
                if other.id != name and key in taken and key not in bound()[name].keys and _meet(bound()[name], other):
                    return name, f"{name}: {key} is the key of {other.id} ({other.what}); choose another, or move that."
    return None


def _meet(one: KeyBinding, other: KeyBinding) -> bool:
    """Return True if both can be pressed in one place."""
    if one.place == other.place or "app" in (one.place, other.place):
        return True
    if issubclass(one.node, other.node) or issubclass(other.node, one.node):
        return True
    return "chat" in (one.place, other.place) and not (issubclass(one.node, Screen) and issubclass(other.node, Screen))


def _normal(key: str) -> str:
    """Return a key by Textual's name for it: `ctrl+k` for `Ctrl+K`, `question_mark` for `?`."""
    key = key.strip()
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    last = last.lower() if modifiers or len(last) > 1 else last
    last = character_to_key(last) if len(last) == 1 else last
    return "+".join([*(modifier.lower() for modifier in modifiers), last])


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    return set(modifiers) <= _MODIFIERS and bool(last) and (last in _NAMED or key_to_character(last) is not None)


def _rank(place: str, order: list[str]) -> tuple[int, str]:
    return (order.index(place) if place in order else len(order), place)
