"""Nothing that acts on a terminal gets through, however a text is cut."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.terminal import TextFilter, safe, safe_line, safe_signs, without_controls, written

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"]
BIDI = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.bidirectional(chr(code)) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
]
WRITTEN = {
    "joined emoji": "👩‍🚀 👨‍👩‍👧‍👦 ❤️‍🔥",
    "flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "newer than Python": "\U0001fae9 \U0001f6d8 \U0001fac8",
    "variation selectors": "☎︎ ☎️ 葛\U000e0100",
    "keycap and skin": "1️⃣ 👍🏽",
    "Persian": "می\u200cخواهم",
    "Sinhala": "ශ්\u200dරී",
    "Hindi": "क्\u200dष",
    "right to left": "\u200fשלום (a)\u200f \u2067abc\u2069 \u061c٣",
    "embedding": "\u202bعربي\u202c",
    "soft hyphen": "Donau\xaddampf",
    "Thai": "ไทย\u200bคำ",
    "word joiner": "a\u2060b",
    "Japanese": "東京\u3000大阪",
    "French": "oui\u202f!\xa0non",
    "Korean": "\u1112\u1161\u11ab \u115f\u1161",
    "private use": "\ue0b0 \uf8ff \U000f0001",
    "marks": "Z̤͔ͧ̑̓ä͖̭̈̇lͮ̒ͫgọ̡",
    "stacked": "a" + "\u0301" * 20,
    "Mongolian": "ᠮ\u180eᠠ",
    "IPA": "t͡ʃ",
    "music": "\U0001d157\U0001d165",
    "ancient": "𓀀𒀀",
}
"""What people write, by name; Python calls much of it not printable."""

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


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_what_people_write_is_theirs_sign_for_sign(text: str) -> None:
    assert written(text) == text == without_controls(text)
    assert len(safe_signs(text)) == len(text)
    assert safe(safe_signs(text)) == safe_signs(text)


def test_what_nobody_writes_is_no_part_of_it() -> None:
    assert written("a\r\nb\rc\0\ud800d \ud83d\ude00\ufeff") == "a\nb\nc\ufffdd 😀\ufeff"
    assert written("\ufeffa\x1b[31m") == "\ufeffa\x1b[31m"
    assert without_controls("\x1b[31m\x9b\u202e") == "␛[31m\ufffd\u202e"


@given(anything)
def test_a_line_is_painted_a_sign_for_a_sign(text: str) -> None:
    line = safe_signs(text.replace("\n", "").replace("\u2028", "").replace("\u2029", ""))
    assert len(line) == len(text.replace("\n", "").replace("\u2028", "").replace("\u2029", ""))
    assert safe(line) == line
