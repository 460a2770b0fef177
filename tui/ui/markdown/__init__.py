"""Markdown renderer for text that is still being written: source in, lines of styled text out."""

from tui.ui.markdown.blocks import fenced
from tui.ui.markdown.document import Document
from tui.ui.markdown.lines import BLANK, Span, StyledLine, fold, indented
from tui.ui.markdown.marks import Mark, MarkKind

__all__ = ["BLANK", "Document", "StyledLine", "Mark", "MarkKind", "Span", "fenced", "fold", "indented"]
