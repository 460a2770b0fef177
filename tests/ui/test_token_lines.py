"""Where tokens stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.ui.widgets.tokens.token_lines import NOBODY, TokenLines

PIECES = st.lists(
    st.text(alphabet="ab \n\t京👩🎉\u0301\u200d\ufe0f🏽🇫e\x1b\u202e\u200b", max_size=6) | st.text(max_size=4),
    max_size=30,
)


def laid_out(*tokens: str, width: int = 20) -> TokenLines:
    lines = TokenLines(width)
    for token in tokens:
        lines.token(token)
    return lines


def shown(lines: TokenLines) -> list[str]:
    return ["".join(run.text for run in line) for line in lines.lines]


@given(PIECES, st.integers(2, 30))
def test_every_token_is_somewhere_and_is_found_there(tokens: list[str], width: int) -> None:
    lines = laid_out(*tokens, width=width)
    assert len(lines.first) == len(tokens)
    for place in range(len(tokens)):
        assert lines.at(*lines.where(place)) == place
        assert lines.first[place] <= lines.last(place)
    order = [run.token for line in lines.lines for run in line]
    assert order == sorted(order)


@given(PIECES, st.integers(2, 30))
def test_no_line_is_wider_than_it_may_be_nor_than_it_is_thought_to_be(tokens: list[str], width: int) -> None:
    for line in laid_out(*tokens, width=width).lines:
        assert sum(run.width for run in line) <= width
        assert all(run.width == cell_len(run.text) for run in line)


def test_words_of_several_tokens_stay_whole() -> None:
    assert shown(laid_out("in", " Po", "land", "'s", " capital", width=10)) == ["in ", "Poland's ", "capital"]


def test_a_word_wider_than_a_line_is_cut() -> None:
    assert shown(laid_out("a" * 25, width=10)) == ["a" * 10, "a" * 10, "a" * 5]


def test_line_ends_tabs_and_tokens_without_text_can_be_seen() -> None:
    assert shown(laid_out("a", "\n\n", "\t", "b", "", "c")) == ["a↵", "↵", "⇥   b◦c"]


@pytest.mark.parametrize("second", ["\u0301", "🏽", "\ufe0f"])
def test_what_would_melt_into_the_token_before_stands_by_itself(second: str) -> None:
    (line,) = shown(laid_out("👍", second))
    assert line == f"👍◌{second}"


def test_a_persons_text_and_marks_are_nobodys() -> None:
    lines = TokenLines(20)
    lines.person("I said: ")
    lines.mark(" ◆ top_k ")
    lines.token("yes")
    assert lines.at(0, 0) == 0, "the nearest token"
    assert [run.token for run in lines.lines[0]] == [NOBODY] * 5 + [0]
