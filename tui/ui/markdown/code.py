"""Syntax highlighting line by line: the lexer's state is carried from each line to the next."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from pygments.lexer import ExtendedRegexLexer, Lexer, LexerContext, RegexLexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from tui.terminal import safe_line
from tui.ui.markdown.lines import Span, StyledLine, chop, cut, styled
from tui.ui.markdown.marks import InlineMarks, signs, without_signs

LONGEST_LINE = 1_000
"""Characters; a longer line is data rather than source code, and some lexers are slow on it."""

_FORGETFUL = frozenset(
    ("Arturo", "Csound Orchestra", "DASM16", "Markdown", "MIME", "Notmuch", "REBOL", "Red", "reStructuredText")
    + ("Standard ML", "tiddler")
)
"""Lexers whose callbacks cannot resume at a line break."""

State = tuple[str, ...]
"""Stack of the lexer; empty for an unknown language."""

_STYLES: dict[tuple[str, ...], str] = {
    Comment: "comment",
    Generic.Deleted: "deleted",
    Generic.Heading: "function",
    Generic.Inserted: "inserted",
    Generic.Subheading: "function",
    Keyword: "keyword",
    Name.Attribute: "function",
    Name.Builtin: "builtin",
    Name.Class: "function",
    Name.Decorator: "function",
    Name.Function: "function",
    Name.Tag: "keyword",
    Number: "number",
    Operator.Word: "keyword",
    String: "string",
}


class Code:
    """Code block that grows by lines."""

    def __init__(self, language: str, width: int) -> None:
        self._label = safe_line(language.strip())
        self._language = self._label.split(" ")[0].lower()
        self._width = width
        self._state: State = () if _lexer(self._language) is None else ("root",)

    def opening(self) -> list[StyledLine]:
        """Return the line above the code with the name of its language, if it has one."""
        if not self._label:
            return []
        label, _ = cut(f" {self._label}", self._width)
        return [StyledLine((Span(label, "code label", copied=False),), fill="code", copied=False)]

    def add(self, text: str, chips: InlineMarks) -> list[StyledLine]:
        """Lay out the next line of the code."""
        lines, self._state = self._folded(text, chips)
        return lines

    def preview(self, text: str, chips: InlineMarks) -> list[StyledLine]:
        """Lay out a line that is still being written, without advancing the lexer."""
        return self._folded(text, chips)[0]

    def _folded(self, text: str, chips: InlineMarks) -> tuple[list[StyledLine], State]:
        text = text.expandtabs(4)
        coloured, state = _highlighted(self._language, self._state, without_signs(text))
        spans = _with_chips(text, coloured, chips) if signs(text) else coloured
        pad = Span(" ", "code", copied=False)
        return [line._replace(spans=(pad, *line.spans), fill="code") for line in chop(spans, self._width - 2)], state


def _with_chips(text: str, coloured: Iterable[Span], chips: InlineMarks) -> Iterator[Span]:
    """Put chips in place of the signs in a highlighted line."""
    styles = [span.style for span in coloured for _ in span.text]
    for character in text:
        if signs(character):
            yield from chips.spans(character)
        else:
            yield Span(character, styles.pop(0))


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


@lru_cache(maxsize=4096)
def _highlighted(language: str, state: State, line: str) -> tuple[tuple[Span, ...], State]:
    """Highlight one line and return the lexer's next state; cached, as an open block is drawn for every token."""
    lexer = _lexer(language)
    if lexer is None or len(line) > LONGEST_LINE:
        return (Span(line, "code"),), state
    context = LexerContext(line + "\n", 0, list(state))
    if type(lexer).get_tokens_unprocessed is RegexLexer.get_tokens_unprocessed and lexer.name not in _FORGETFUL:
        # The same loop as the lexer's own, but only this variant of it gives the state back.
        tokens = ExtendedRegexLexer.get_tokens_unprocessed(lexer, context=context)
    else:
        tokens = lexer.get_tokens_unprocessed(line + "\n")
    spans = tuple(Span(text.rstrip("\n"), _style(kind)) for _, kind, text in tokens)
    if "".join(span.text for span in spans) != line:
        return (Span(line, "code"),), state
    return spans, tuple(context.stack)


@lru_cache(maxsize=512)
def _style(kind: tuple[str, ...]) -> str:
    """Return the style of a token type, which is a path from the general to the specific."""
    for length in range(len(kind), 0, -1):
        if style := _STYLES.get(kind[:length]):
            return styled("code", style)
    return "code"
