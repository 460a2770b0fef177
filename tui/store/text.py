"""Text as the file can hold it, and titles made from it."""

LONGEST = 60
"""Characters."""


def writable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


def title_of(question: str) -> str:
    """Return the first line that is not blank, cut at a word."""
    line = next((" ".join(line.split()) for line in question.splitlines() if line.strip()), "")
    if len(line) <= LONGEST:
        return line
    cut = line[: LONGEST - 1]
    whole = cut.rsplit(" ", 1)[0] if " " in cut[LONGEST // 2 :] and line[LONGEST - 1] != " " else cut.rstrip()
    return f"{whole}…"
