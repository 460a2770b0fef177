"""The Markdown renderer: what a text looks like, and that it looks the same however it came in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexers import get_all_lexers  # type: ignore[import-untyped]
from rich.cells import cell_len

from tests.depth import depth
from tui.ui.markdown import Document, Mark
from tui.ui.markdown.code import Code
from tui.ui.markdown.document import OPEN_LINES
from tui.ui.markdown.lines import Fold, Span, fold
from tui.ui.markdown.marks import InlineMarks

SAMPLE = """\
# A *short* page

Some **bold** words, `code` and ~~struck~~ text with [a link](https://a.example/x_y) in it.
A second line.

1. one
2. two
   - inner **a**
   - inner b
     continued

   ```python
   def f(x):  # nested
       return x
   ```
10. ten

> quoted text that goes on for a while
> > and deeper

| name | n |
|:-----|--:|
| a    | 1 |
| b | 22 |

---

~~~js title
let s = `
  two lines`;
~~~

    indented()

- [x] done

- loose
"""

MARKDOWN = st.lists(
    st.sampled_from(
        [
            "a",
            "word ",
            "\n",
            "\n\n",
            "# ",
            "- ",
            "  - ",
            "1. ",
            "> ",
            "```",
            "```py\n",
            "~~~\n",
            "---",
            "===",
            "| a ",
            "|-",
            "|",
        ]
        + [
            "**",
            "*",
            "_",
            "`",
            "~~",
            "[x](y)",
            "![",
            "<b>",
            "&amp;",
            "&#x202e;",
            "    ",
            "\t",
            "\\",
            "\r\n",
            "\r",
            "\u2028",
        ]
        + ["\x1b[31m", "\x9b", "日本", "👩\u200d👩", "❤", "\ufe0f", "e\u0301", "\ufdd0", "x" * 30]
    ),
    max_size=40,
).map("".join)


def drawn(text: str, width: int = 60) -> list[str]:
    return [line.text.rstrip() for line in Document(width, text).lines]


def grown(text: str, sizes: list[int], width: int = 60) -> Document:
    document = Document(width)
    place = 0
    for size in sizes:
        document.append(text[place : place + size])
        place += size
    document.append(text[place:])
    return document


def test_each_kind_of_block() -> None:
    assert drawn(SAMPLE, 50) == [
        "A short page",
        "",
        "Some bold words, code and struck text with a link",
        "(https://a.example/x_y) in it.",
        "A second line.",
        "",
        "1. one",
        "2. two",
        "   ◦ inner a",
        "   ◦ inner b",
        "     continued",
        "",
        "    python",
        "    def f(x):  # nested",
        "        return x",
        "3. ten",
        "",
        "▎ quoted text that goes on for a while",
        "▎",
        "▎ ▎ and deeper",
        "",
        "name │  n",
        "─────┼───",
        "a    │  1",
        "b    │ 22",
        "",
        "─" * 50,
        "",
        " js title",
        " let s = `",
        "   two lines`;",
        "",
        " indented()",
        "",
        "☑ done",
        "",
        "• loose",
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_text_that_grows_looks_like_the_whole(size: int) -> None:
    document = grown(SAMPLE, [size] * (len(SAMPLE) // size))
    assert document.lines == Document(60, SAMPLE).lines


@given(MARKDOWN | st.text(max_size=80), st.lists(st.integers(1, 9)), st.integers(8, 50))
@settings(max_examples=depth(30, 150))
def test_any_text_in_any_pieces(text: str, sizes: list[int], width: int) -> None:
    document = grown(text, sizes, width)
    for line in document.lines:
        assert cell_len(line.text) <= width
        assert not any(character < " " or "\x7f" <= character < "\xa0" for character in line.text)
        assert not any(character in "\u202e\u2066\u200b\ufdd0" for character in line.text)
    document.finish()
    assert document.lines == Document(width, text).lines


@given(MARKDOWN, st.lists(st.integers(0, 120), max_size=5), st.integers(30, 60))
@settings(max_examples=depth(30, 150))
def test_every_mark_shows(text: str, places: list[int], width: int) -> None:
    document = Document(width, text)
    for number, place in enumerate(places):
        document.mark(Mark(place, f"mark{number}"))
    shown = "\n".join(line.text for line in document.lines)
    for number in range(len(places)):
        assert shown.count(f"mark{number}\u00a0") >= 1
    assert document.text == text


def test_a_mark_stands_in_its_place() -> None:
    document = Document(60)
    document.append("a **bold")
    document.mark(Mark(8, "here"))
    document.append(" word**")
    assert [line.text for line in document.lines] == ["a bold\u00a0◆\u00a0here\u00a0 word"]


def test_a_mark_in_code_keeps_the_code() -> None:
    text = "```python\nreturn 1\n```\n"
    document = Document(60, text, [Mark(text.index("1"), "top_k 1", "fork")])
    assert [line.text for line in document.lines] == [" python", " return \u00a0≠\u00a0top_k\u00a01\u00a01"]
    assert "".join(span.text for span in document.lines[1].spans if span.copied) == "return 1"


@pytest.mark.parametrize("text", ["- item", "# head", "```py\nx\n```", "| a |\n|---|\n| b |", "> quote", "a\n\nb"])
def test_a_mark_never_changes_what_a_line_is(text: str) -> None:
    plain = [line for line in drawn(text) if line.strip("─")]
    for place in range(len(text) + 1):
        lines = [line.text for line in Document(60, text, [Mark(place, "m")]).lines]
        bare = [line.replace("\u00a0◆\u00a0m\u00a0", "").rstrip() for line in lines]
        assert [line for line in bare if line.strip("─")] == plain


def test_a_mark_at_an_empty_line_waits_for_the_next() -> None:
    document = Document(60, "one\n\n", [Mark(5, "m")])
    assert [line.text for line in document.lines] == ["one", "\u00a0◆\u00a0m\u00a0"]
    document.append("two")
    assert [line.text for line in document.lines] == ["one", "", "\u00a0◆\u00a0m\u00a0two"]


def test_only_the_last_block_is_drawn_again() -> None:
    document = grown(SAMPLE + "\nThe end\n", [5] * 200)
    document.append("is near")
    assert document.stable == document.height - len(["", "The end", "is near"])


def test_finished_code_is_not_drawn_again() -> None:
    document = grown("```python\n" + "x = 1\n" * 50, [])
    document.append("y")
    assert document.stable == document.height - 1


def test_colours_go_on_over_lines() -> None:
    document = Document(60, '```python\ns = """one\ntwo"""\nprint(s)\n```')
    styles = {span.text: span.style for line in document.lines for span in line.spans}
    assert styles["two"] == "code string"
    assert styles["print"] == "code builtin"


def test_t28_a_long_block_is_plain_until_it_is_complete() -> None:
    document = grown("| x | y |\n|---|---|\n", [])
    for _ in range(OPEN_LINES):
        document.append("| **a** | b |\n")
    assert "**a**" in document.lines[-1].text
    document.append("\nAfter\n\n")
    assert document.lines[0].text == "x │ y"
    assert document.lines[-1].text == "After"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        ">" * 5_000 + "x",
        "word " * 40_000,
        "w" * 200_000,
        "\n".join("  " * depth + "- x" for depth in range(100)),
        "*a " * 10_000,
        "| a " * 20 + "|\n" + "|-" * 20 + "|\n" + ("| b " * 20 + "|\n") * 500,
        "```python\n" + "x" * 100_000 + "\n```",
    ],
    ids=["brackets", "quotes", "words", "word", "list", "stars", "table", "code"],
)
def test_t28_t29_hostile_markdown_is_shown(text: str) -> None:
    whole = Document(80, text)
    assert whole.height
    assert grown(text, [len(text) // 3] * 2, 80).height


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[x](https://a.example)", "x (https://a.example)"),
        ("<https://a.example>", "https://a.example"),
        ("![cat](c.png)", "cat (c.png)"),
        ("<b>x</b> &amp; &#x202e;y", "<b>x</b> & \ufffdy"),
        ("[x]: https://a.example", "[x]: https://a.example"),
        ("[click](javascript:alert(1))", "[click](javascript:alert(1))"),
        ("one\\\ntwo", "one\ntwo"),
    ],
)
def test_inline(text: str, shown: str) -> None:
    assert "\n".join(drawn(text)) == shown


def test_an_address_in_a_text_is_a_link_and_the_name_of_a_file_is_none() -> None:
    text = "See https://example.org/a_(b)?c=%20d. Or mailto:a@b.example; not main.py, README.md, `https://x.example`."
    links = {span.text: span.link for line in Document(200, text).lines for span in line.spans if span.link}
    assert links == {address: address for address in ("https://example.org/a_(b)?c=%20d", "mailto:a@b.example")}


def test_a_table_is_folded_into_its_width() -> None:
    rows = drawn("| name | text |\n|---|---|\n| a | some words that do not fit here |\n", 24)
    assert rows == ["name │ text", "─────┼──────────────────", "a    │ some words that", "     │ do not fit here"]


@given(st.lists(st.sampled_from(["a", "bb ", " ", "\n", "日", "word", "x" * 12]), max_size=30), st.integers(8, 20))
def test_folding_in_pieces_is_folding(pieces: list[str], width: int) -> None:
    growing = Fold(width)
    for piece in pieces:
        growing.feed([Span(piece)])
    assert growing.lines == fold([Span("".join(pieces))], width)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_lexer_loses_a_character() -> None:
    text = "x = f(1)  # `a` $b {c} <d> \"e\" 'f' @g [h](i) \\j"
    for _, aliases, _, _ in get_all_lexers():
        for alias in aliases[:1]:
            code = Code(alias, 80)
            for _ in range(2):
                lines = code.add(text, InlineMarks("", ()))
                assert "".join(span.text for span in lines[0].spans) == f" {text}"
