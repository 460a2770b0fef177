"""Text within a block: emphasis, code, links and marks as styled spans."""

from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from tui.ui.markdown.lines import Span, styled
from tui.ui.markdown.marks import InlineMarks, without_signs

_STYLES = {"strong": "strong", "em": "emphasis", "s": "strike", "a": "link"}


class Inline:
    """Converter from inline tokens to spans."""

    def __init__(self, chips: InlineMarks, style: str = "") -> None:
        self._chips = chips
        self._styles = [style]
        self._targets: list[tuple[str, str]] = []

    def spans(self, tokens: Iterable[Token]) -> Iterator[Span]:
        """Yield the spans of the tokens."""
        for token in tokens:
            if token.nesting == 1:
                self._open(token)
            elif token.nesting == -1:
                yield from self._close(token)
            elif token.type in ("softbreak", "hardbreak"):
                # Models break lines where they mean it: poems, addresses, lists of short facts.
                yield Span("\n", self._styles[-1])
            elif token.type == "image":
                yield from self._image(token)
            else:
                yield from self._text(token)

    def _open(self, token: Token) -> None:
        self._styles.append(styled(self._styles[-1], _STYLES[token.tag]))
        if token.type == "link_open":
            self._targets.append((str(token.attrs["href"]), ""))

    def _close(self, token: Token) -> Iterator[Span]:
        self._styles.pop()
        if token.type == "link_close":
            target, text = self._targets.pop()
            if without_signs(target) not in (without_signs(text), f"mailto:{without_signs(text)}"):
                yield from self._target(target)

    def _text(self, token: Token) -> Iterator[Span]:
        if self._targets:
            target, text = self._targets[-1]
            self._targets[-1] = (target, text + token.content)
        style = self._styles[-1]
        spans = self._chips.spans(token.content, styled(style, "literal") if token.tag == "code" else style)
        yield from _leading(spans, self._targets[-1][0]) if self._targets else spans

    def _image(self, token: Token) -> Iterator[Span]:
        source = str(token.attrs["src"])
        yield from _leading(self._chips.spans(token.content or "image", styled(self._styles[-1], "link")), source)
        yield from self._target(source)

    def _target(self, target: str) -> Iterator[Span]:
        """Yield the address of a link, always shown since the text of the link may say something else."""
        if target:
            yield from _leading(self._chips.spans(f" ({target})", styled(self._styles[-1], "target")), target)


def _leading(spans: Iterable[Span], target: str) -> Iterator[Span]:
    """Return spans that link to a target; marks between them link to nothing."""
    return (span._replace(link=without_signs(target)) if span.copied else span for span in spans)
