"""Triple quotes around several lines, as in Ollama's prompt. `shlex` knows no triple quotes."""

import re

_QUOTES = '"""'
_OPENED = re.compile(r'\s*(?:/set\s+system\s+)?"""')


def unclosed(text: str) -> bool:
    """Return True if a text begins with triple quotes and no line ends with the closing ones."""
    opened = _OPENED.match(text)
    return opened is not None and not _ends(text[opened.end() :])


def unquoted(text: str) -> str:
    """Return the text between triple quotes if they enclose all of it, else the text itself."""
    bare = text.strip()
    within = bare[len(_QUOTES) : -len(_QUOTES)]
    quoted = len(bare) >= 2 * len(_QUOTES) and bare.startswith(_QUOTES) and bare.endswith(_QUOTES)
    return within.strip("\n") if quoted and not _ends(within) else text


def _ends(text: str) -> bool:
    return any(line.rstrip().endswith(_QUOTES) for line in text.split("\n"))
