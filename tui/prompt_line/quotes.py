"""Three quotes around several lines, as Ollama's users write them."""

import re

_QUOTES = '"""'
_OPENED = re.compile(r'\s*(?:/set\s+system\s+)?"""')


def unclosed(text: str) -> bool:
    """Whether a text begins with three quotes, and no line ends with the three that close them."""
    opened = _OPENED.match(text)
    return opened is not None and not _ends(text[opened.end() :])


def unquoted(text: str) -> str:
    """The text between three quotes, where they stand around all of it."""
    bare = text.strip()
    within = bare[len(_QUOTES) : -len(_QUOTES)]
    quoted = len(bare) >= 2 * len(_QUOTES) and bare.startswith(_QUOTES) and bare.endswith(_QUOTES)
    return within.strip("\n") if quoted and not _ends(within) else text


def _ends(text: str) -> bool:
    return any(line.rstrip().endswith(_QUOTES) for line in text.split("\n"))
