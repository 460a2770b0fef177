"""Parts of a reply that can be copied by themselves: blocks of code and links."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tui.ui.markdown import StyledLine, fenced
from tui.ui.markdown.lines import styled


class CopyTarget(NamedTuple):
    """Part of a message."""

    kind: Literal["code", "link"]
    lines: range
    """Its lines in the message as laid out."""
    text: str
    """Code or target of the link, as written."""

    def light(self, line: StyledLine) -> StyledLine:
        """Highlight the link in one of its lines; code is marked by its rail."""
        if self.kind == "code":
            return line
        spans = (
            span._replace(style=styled(span.style, "lit")) if span.link == self.text else span for span in line.spans
        )
        return line._replace(spans=tuple(spans))


def find_targets(lines: Sequence[StyledLine], source: str, start: int) -> list[CopyTarget]:
    """Return the parts of a text from top to bottom; `start` is the number of its first line."""
    blocks = list(_blocks(lines))
    fences = fenced(source)
    # What is too long or too deep is laid out as plain text, without its blocks: then they are taken as they are shown.
    texts = fences if len(fences) == len(blocks) else [_shown(lines, block) for block in blocks]
    found = [CopyTarget("code", block, text) for block, text in zip(blocks, texts, strict=True)]
    for number, line in enumerate(lines):
        for link in dict.fromkeys(span.link for span in line.spans if span.link):
            last = next((each for each in found if each.text == link and each.lines.stop == number), None)
            if last and last.kind == "link":  # it goes on from the line above
                found.remove(last)
            first = last.lines.start if last and last.kind == "link" else number
            found.append(CopyTarget("link", range(first, number + 1), link))
    found.sort(key=lambda each: each.lines.start)
    return [each._replace(lines=range(each.lines.start + start, each.lines.stop + start)) for each in found]


def _blocks(lines: Sequence[StyledLine]) -> Iterator[range]:
    """Yield the lines of each block of code; the name of a language starts one."""
    first = None
    for number, line in enumerate(lines):
        code = line.fill == "code"
        if first is not None and (not code or not line.copied):
            yield range(first, number)
            first = None
        if code and first is None:
            first = number
    if first is not None:
        yield range(first, len(lines))


def _shown(lines: Sequence[StyledLine], block: range) -> str:
    copied = (line for line in lines[block.start : block.stop] if line.copied)
    return "".join(line.glue + "".join(span.text for span in line.spans if span.copied) for line in copied).lstrip("\n")
