import re

from hypothesis import given
from hypothesis import strategies as st

from tui.engine.reply.text import StopStrings, Utf8Decoder

stops = st.lists(st.text("ab", min_size=1, max_size=4), max_size=3).map(tuple)


def cut(data: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@given(st.text(), st.integers(1, 4))
def test_c06_utf8_in_pieces_is_the_whole(text: str, size: int) -> None:
    raw, utf8 = text.encode(), Utf8Decoder()
    pieces = [utf8.decode(raw[i : i + size]) for i in range(0, len(raw), size)]
    assert "".join(pieces) + utf8.flush() == text


def test_c06_utf8_waits_for_the_character() -> None:
    utf8 = Utf8Decoder()
    assert [utf8.decode(bytes([byte])) for byte in "é".encode()] == ["", "é"]


@given(st.binary())
def test_c06_utf8_replaces_what_is_wrong(raw: bytes) -> None:
    utf8 = Utf8Decoder()
    text = "".join(utf8.decode(bytes([byte])) for byte in raw) + utf8.flush()
    assert text == raw.decode("utf-8", "replace")


@given(st.text("abc"), stops, st.lists(st.integers(0, 50)))
def test_stop_texts_in_pieces_end_where_the_whole_ends(text: str, texts: tuple[str, ...], places: list[int]) -> None:
    stop = StopStrings(texts)
    shown = "".join(stop.decode(piece) for piece in cut(text, places)) + stop.flush()
    whole = StopStrings(texts)
    expected = whole.decode(text) + whole.flush()
    found = re.search("|".join(map(re.escape, texts)), text) if texts else None
    if found is None:
        assert shown == expected == text
    else:
        assert text.startswith(shown)
        assert stop.found is not None and whole.found is not None
        assert len(shown) <= found.start() + max(map(len, texts))
        assert not any(each in shown for each in texts)


def test_a_stop_text_is_held_back_until_it_is_none() -> None:
    stop = StopStrings(("END",))
    assert [stop.decode(piece) for piece in ("a E", "N", "x")] == ["a ", "", "ENx"]
    assert stop.decode("b END c") == "b "
    assert stop.found == "END"
    assert stop.decode("more") == ""
