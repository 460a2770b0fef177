"""What words on the command line mean."""

import io
import sys
from pathlib import Path

import pytest

from tests.gguf import write
from tui.cli.arguments import UsageError, choose, read_prompt, reads_as_setting, require_screen
from tui.errors import ModelError


@pytest.mark.parametrize(
    "word", ["precise", "temperature=0.2", "precise,temperature=0.2", "precis,top_k=1", "f=ma", "./none.gguf"]
)
def test_reads_as_a_setting(word: str) -> None:
    assert reads_as_setting(word)


@pytest.mark.parametrize(
    "word", ["", "Hello", "Why?", "solve x=1", "temperature=0.2 is cold", "Dear all, x=1", "read none.gguf", "a,b"]
)
def test_reads_as_a_prompt(word: str) -> None:
    assert not reads_as_setting(word)


def test_a_file_with_a_blank_in_its_name_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "my own.Modelfile"
    path.write_text("FROM starter\n")
    assert reads_as_setting(str(path))


def test_the_model_stands_beside_its_modelfile(tmp_path: Path) -> None:
    write(tmp_path / "tiny.gguf")
    (tmp_path / "tiny.Modelfile").write_text("FROM ./tiny.gguf\n")
    chosen, model = choose(f"{tmp_path / 'tiny.Modelfile'},top_k=7")
    assert (chosen.knobs.top_k, model) == (7, tmp_path / "tiny.gguf")


def test_a_file_that_is_no_model_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "notes.gguf"
    path.write_text("a shopping list, much longer than the header of a model")
    with pytest.raises(ModelError, match="is not a GGUF but a text file"):
        choose(str(path))


@pytest.mark.parametrize(
    ("prompt", "piped", "asked"),
    [
        ("Sum up:", b"one\ntwo\n", "Sum up:\n\none\ntwo"),
        (None, b"one\n", "one"),
        ("Hi", b"", "Hi"),
        ("Hi", b"\n \n", "Hi"),
        ("Hi", b"\xff", "Hi\n\n\ufffd"),
        (None, b"\xef\xbb\xbfone\n", "one"),
        (None, "\ufeffé 👩‍🚀\r\n".encode("utf-16-le"), "é 👩‍🚀\r"),
        (None, "\ufeffé 👩‍🚀".encode("utf-16-be"), "é 👩‍🚀"),
        (None, "What is 東京?".encode("utf-16-le"), "What is 東京?"),
        (None, "What is 東京?".encode("utf-16-be"), "What is 東京?"),
        (None, "東京".encode("utf-32"), "東京"),
        (None, "می\u200cخواهم \u200f".encode(), "می\u200cخواهم \u200f"),
    ],
)
def test_what_is_piped_in_comes_after_the_prompt(
    prompt: str | None, piped: bytes, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped)))
    assert read_prompt(prompt) == asked


def test_a_closed_stdin_is_no_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="no prompt"):
        read_prompt(" ")


def test_a_dumb_terminal_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(UsageError, match="TERM=dumb; use `twiddle run`"):
        require_screen("twiddle run")
