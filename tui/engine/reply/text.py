"""Incremental decoders from the bytes of tokens to text: whole characters, and no part of a stop string."""

import codecs


class Utf8Decoder:
    """Incremental UTF-8 decoder: the bytes of an incomplete character wait, invalid bytes become U+FFFD."""

    def __init__(self, before: bytes = b"") -> None:
        """`before`: bytes to decode before the first piece."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before = before

    def decode(self, piece: bytes) -> str:
        """Add the bytes of a token and return the characters that are complete with them."""
        piece, self._before = self._before + piece, b""
        return self._decoder.decode(piece)

    def flush(self) -> str:
        """Return the rest at the end."""
        return self.decode(b"") + self._decoder.decode(b"", final=True)


class StopStrings:
    """Holds back text that could be the beginning of a stop string, until that is decided."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.stops = stops
        self._held = ""
        self.found: str | None = None
        """Stop string that was met; text after it is dropped."""

    def decode(self, text: str) -> str:
        """Add text and return the part that cannot belong to a stop string any more."""
        if self.found is not None:
            return ""
        text = self._held + text
        places = [(text.find(stop), stop) for stop in self.stops if stop in text]
        if places:
            place, self.found = min(places, key=lambda each: (each[0], -len(each[1])))
            self._held = ""
            return text[:place]
        keep = max((overlap(text, stop) for stop in self.stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """Return the text that was held back and never became a stop string."""
        text, self._held = self._held, ""
        return text


def overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of the text that the stop string begins with."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-size:]):
            return size
    return 0
