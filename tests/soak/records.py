"""Events that a journey prints, one JSON object a line, flushed at once: the process may be killed next."""

from typing import Literal

from msgspec import Struct, json

Kind = Literal["does", "befalls", "keeps", "keeps the beginning of", "broke"]


class Event(Struct, frozen=True):
    """One line of output."""

    kind: Kind
    text: str


def emit(kind: Kind, text: str) -> None:
    """Print an event at once."""
    print(json.encode(Event(kind, text)).decode(), flush=True)
