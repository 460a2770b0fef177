"""Three quotes around several lines."""

import pytest

from tui.prompt_line.quotes import unclosed, unquoted


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ('"""', True),
        ('"""one', True),
        ('"""one\ntwo', True),
        ('"""one\ntwo"""', False),
        ('"""one"""', False),
        ('"""one"""\ntwo', False),
        ('"""\n"""  ', False),
        ('/set system """one', True),
        ('/set system """one\ntwo"""', False),
        ('say """one', False),
        ("one", False),
        ('def f():\n    """Doc."""', False),
    ],
)
def test_quotes_are_open_from_the_beginning_until_a_line_ends_with_them(text: str, opened: bool) -> None:
    assert unclosed(text) is opened


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('"""one\ntwo"""', "one\ntwo"),
        ('"""\none\n\ntwo\n"""', "one\n\ntwo"),
        ('  """one"""\n', "one"),
        ('""""""', ""),
        ('"""Doc."""\nx = """y"""', '"""Doc."""\nx = """y"""'),
        ('say """one"""', 'say """one"""'),
        ('"""one', '"""one'),
        ('"""', '"""'),
    ],
)
def test_the_quotes_are_not_sent_where_they_stand_around_everything(text: str, meant: str) -> None:
    assert unquoted(text) == meant
