"""Nothing that acts on a terminal gets through, however a text is cut."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.terminal import TextFilter, safe, safe_line

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"]
BIDI = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.bidirectional(chr(code)) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
]
MARKS = [*BIDI, "\u061c", "\u200e", "\u200f"]


@pytest.mark.parametrize("rune", [*CONTROLS, *MARKS], ids=lambda rune: f"U+{ord(rune):04X}")
def test_t06_t07_t11_t12_controls_and_direction_marks_become_visible(rune: str) -> None:
    shown = safe(f"a{rune}b")
    assert len(shown) == 3
    assert rune not in shown
    assert shown.isprintable()
    assert safe_line(rune) == shown[1]


@pytest.mark.parametrize(
    "rune", list("\u200b\u2060\ufeff\u00ad\u180e\u3164\U000e0041"), ids=lambda rune: hex(ord(rune))
)
def test_t13_invisible_characters_are_dropped(rune: str) -> None:
    assert safe(f"a{rune}b") == "ab"


@pytest.mark.parametrize("text", ["", "plain", "tab\tand\nline", "é 日本 🚢 👩‍🚀", "e\u0301", "[bold]x[/]"])
def test_t14_text_is_left_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_line_separators_are_line_ends() -> None:
    assert safe("a\u2028b\u2029c") == "a\nb\nc"
    assert "\n" not in safe_line("a\u2028b\nc")
    assert "\t" not in safe_line("a\tb")


@pytest.mark.parametrize("sequence", ["\x1b]52;c;aGk=\x07", "\x1b[31m", "\x9b31m", "\x1bP$q\x1b\\", "\x1b]8;;x\x1b\\"])
def test_t08_t10_what_is_left_of_a_sequence_is_plain_text(sequence: str) -> None:
    assert safe(sequence).isprintable()


def test_t16_lone_surrogates_can_be_encoded() -> None:
    assert safe("a\ud800b\udfff").encode() == "a\ufffdb\ufffd".encode()


def test_t15_a_tower_of_marks_is_cut_at_eight() -> None:
    assert safe("a" + "\u0301" * 500 + "b") == "a" + "\u0301" * 8 + "b"
    assert safe("a" + "\u0301" * 8) == "a" + "\u0301" * 8


@given(st.lists(st.text(st.sampled_from("ab\u0301\u20dd\u200b\x1b\n"), max_size=12) | st.text(max_size=3)))
def test_a_text_that_comes_piece_by_piece_is_filtered_as_a_whole(pieces: list[str]) -> None:
    assert "".join(map(TextFilter(), pieces)) == safe("".join(pieces))


anything = st.text(st.characters(codec=None)) | st.text(st.sampled_from([*CONTROLS, *MARKS, "\u200b", "a", "\n", "日"]))


@given(anything)
def test_t32_filtering_twice_changes_nothing(text: str) -> None:
    assert safe(safe(text)) == safe(text)
    assert not any(rune in safe(text) for rune in (*CONTROLS, *MARKS))
    assert "\n" not in safe_line(text)
    safe(text).encode()


@given(anything, st.data())
def test_t09_a_cut_anywhere_changes_nothing(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    if not any(unicodedata.category(rune).startswith("M") for rune in text):
        assert safe(text[:place]) + safe(text[place:]) == safe(text)
