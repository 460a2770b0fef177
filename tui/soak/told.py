"""What a program on a journey says of it: one line a time, the next moment may be its last."""

from typing import Literal

from msgspec import Struct, json

What = Literal["does", "befalls", "keeps", "keeps the beginning of", "broke"]


class Told(Struct, frozen=True):
    """One line."""

    what: What
    text: str


def tell(what: What, text: str) -> None:
    """Say it at once."""
    print(json.encode(Told(what, text)).decode(), flush=True)
