"""Blocks of parsed Markdown, each laid out in lines of styled text."""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tui.ui.markdown.code import Code
from tui.ui.markdown.inline import Inline
from tui.ui.markdown.lines import BLANK, NARROWEST, Span, StyledLine, fold, indented, styled
from tui.ui.markdown.marks import InlineMarks
from tui.ui.markdown.table import LARGEST, Cell, table

_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": True})
_PARSER.enable(["table", "strikethrough", "linkify"]).disable("reference")
"""Link references are off: in a growing text a link would change when its target arrives. HTML is plain text."""
assert _PARSER.linkify
# What has no scheme is no link: main.py and README.md are files, though there are domains of that form.
_PARSER.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False}).add("//", None).add("ftp:", None)
# A target, and an address that is its own text, are shown as they were written.
_PARSER.normalizeLink = lambda url: url  # type: ignore[method-assign]
_PARSER.normalizeLinkText = lambda link: link  # type: ignore[method-assign]

DEEPEST = 19
"""Nesting level at which the parser gives up, and drops the content."""
LONGEST = 20_000
"""Characters of a line or a block; a longer one is shown as plain source."""

_BULLETS = "•◦▪"
_BOXES = {"[ ] ": "☐", "[x] ": "☑", "[X] ": "☑"}
_RAIL = Span("▎ ", "rail", copied=False)


class Block:
    """Block of the document; each item of a top-level list is a block too."""

    def __init__(self, tokens: list[Token], source: Sequence[str], bullet: str = "", follows: bool = False) -> None:
        self.tokens = tokens
        self.bullet = bullet
        """Bullet or number of a list item; empty for other blocks."""
        self.number = int(bullet[:-1]) if bullet[:-1].isdigit() else None
        self.start, end = tokens[0].map or (0, 0)
        self.source = "\n".join(source[self.start : end])
        self.gap = not follows or _blank_above(tokens[0], source)
        """True if a blank line goes above it."""

    @property
    def is_fence(self) -> bool:
        """True for a fenced block of code."""
        return self.tokens[0].type == "fence"

    def lines(self, width: int, chips: InlineMarks) -> list[StyledLine]:
        """Lay the block out in lines of `width` cells."""
        if len(self.source) > LONGEST or any(token.level >= DEEPEST for token in self.tokens):
            return lay_out_plain(self.source, width, chips)
        page = BlockLayout(self.source.split("\n"), self.start, chips)
        lines = page.item(self.tokens, self.bullet, width) if self.bullet else page.block(self.tokens, width)
        if left := chips.rest():
            lines += fold(left, width)
        return lines


def blocks(source: Sequence[str], number: int | None = None) -> list[Block]:
    """Parse source lines into blocks; `number` is the first item's, if the source begins inside a list."""
    found: list[Block] = []
    for tokens in _siblings(_PARSER.parse("\n".join(source))):
        if tokens[0].type not in ("bullet_list_open", "ordered_list_open"):
            found.append(Block(tokens, source))
            continue
        for place, (bullet, item) in enumerate(_items(tokens, "•", None if found else number)):
            found.append(Block(item, source, bullet, follows=bool(place)))
    return found


def lay_out_plain(source: str, width: int, chips: InlineMarks) -> list[StyledLine]:
    """Lay out a block that is too large or too deep, as plain source."""
    return fold(chips.spans(source), width)


def fenced(text: str) -> list[str]:
    """Return the code of each code block in a text."""
    return [token.content for token in _PARSER.parse(text) if token.type in ("fence", "code_block")]


def _siblings(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Group the tokens by the block that they make up."""
    start = 0
    for place, token in enumerate(tokens):
        if token.level == tokens[0].level and token.nesting <= 0:
            yield list(tokens[start : place + 1])
            start = place + 1


def _items(tokens: list[Token], bullet: str, number: int | None = None) -> Iterator[tuple[str, list[Token]]]:
    first = number if number is not None else int(tokens[0].attrs.get("start", 1))
    for place, item in enumerate(_siblings(tokens[1:-1])):
        yield (f"{first + place}." if tokens[0].type == "ordered_list_open" else bullet), item


def _blank_above(token: Token, source: Sequence[str]) -> bool:
    start = token.map[0] if token.map else 0
    return start > 0 and not source[start - 1].strip(" \t>")


def _ticked(item: list[Token]) -> str:
    """Return the box of a task item, and remove it from the item's text."""
    words = (item[2].children or []) if len(item) > 2 and item[2].type == "inline" else []
    box = _BOXES.get(words[0].content[:4], "") if words else ""
    if box:
        words[0].content = words[0].content[4:]
    return box


class BlockLayout:
    """Layout of one block and the blocks inside it."""

    def __init__(self, source: Sequence[str], start: int, chips: InlineMarks) -> None:
        self._source = source
        self._start = start
        self._chips = chips
        self._depth = 0

    def block(self, tokens: list[Token], width: int) -> list[StyledLine]:
        """Lay out one block in lines of `width` cells."""
        width = max(width, NARROWEST)
        match tokens[0].type:
            case "heading_open":
                return fold(self._inline(tokens[1], f"heading {tokens[0].tag}"), width)
            case "fence" | "code_block":
                return self._code(tokens[0], width)
            case "hr":
                return [StyledLine((Span("─" * width, "rule", copied=False),))]
            case "blockquote_open":
                return self._quote(tokens, width)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(tokens, width)
            case "table_open":
                return self._table(tokens, width)
            case _:
                return fold(self._inline(tokens[1]), width)

    def item(self, tokens: list[Token], bullet: str, width: int) -> list[StyledLine]:
        """Lay out one item of a list behind its bullet."""
        lead = Span(f"{_ticked(tokens) or bullet} ", "bullet")
        inner = width - len(lead.text)
        if inner < 2 * NARROWEST:
            return self._blocks(tokens[1:-1], width, tight=True)
        return list(indented(self._blocks(tokens[1:-1], inner, tight=True) or [BLANK], lead))

    def _blocks(self, tokens: list[Token], width: int, tight: bool = False) -> list[StyledLine]:
        lines: list[StyledLine] = []
        for block in _siblings(tokens):
            if lines and (not tight or self._blank_above(block[0])):
                lines.append(BLANK)
            lines += self.block(block, width)
        return lines

    def _blank_above(self, token: Token) -> bool:
        above = (token.map[0] if token.map else 0) - 1 - self._start
        return above >= 0 and not self._source[above].strip(" \t>")

    def _inline(self, token: Token, style: str = "") -> Iterator[Span]:
        return Inline(self._chips, style).spans(token.children or ())

    def _code(self, token: Token, width: int) -> list[StyledLine]:
        code = Code(token.info, width)
        lines = code.opening()
        for text in token.content.removesuffix("\n").split("\n"):
            lines += code.add(text, self._chips)
        return lines

    def _quote(self, tokens: list[Token], width: int) -> list[StyledLine]:
        inner = width - len(_RAIL.text)
        if inner < 2 * NARROWEST:
            return self._blocks(tokens[1:-1], width)
        lines = [
            line._replace(spans=tuple(span._replace(style=styled("quote", span.style)) for span in line.spans))
            for line in self._blocks(tokens[1:-1], inner) or [BLANK]
        ]
        return list(indented(lines, _RAIL, _RAIL))

    def _list(self, tokens: list[Token], width: int) -> list[StyledLine]:
        self._depth += 1
        lines: list[StyledLine] = []
        for bullet, item in _items(tokens, _BULLETS[self._depth % len(_BULLETS)]):
            if lines and self._blank_above(item[0]):
                lines.append(BLANK)
            lines += self.item(item, bullet, width)
        self._depth -= 1
        return lines

    def _table(self, tokens: list[Token], width: int) -> list[StyledLine]:
        rows: list[list[Cell]] = []
        for token, inline in zip(tokens, tokens[1:], strict=False):
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                align = str(token.attrs.get("style", "text-align:left")).removeprefix("text-align:")
                spans = tuple(self._inline(inline, "strong" if token.type == "th_open" else ""))
                rows[-1].append(Cell(spans, align))
        lines = table(rows, width) if len(rows) * len(rows[0]) <= LARGEST else None
        if lines is None:
            start, end = tokens[0].map or (0, 0)
            source = "\n".join(self._source[start - self._start : end - self._start])
            return lay_out_plain(source, width, self._chips)
        return lines
