"""Texts that go along with a question."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import AttachmentError
from tui.prompt_line.attachments import (
    LARGEST,
    Attachment,
    complete_path,
    describe,
    gather,
    list_mentioned,
    read,
    with_attachments,
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a few files."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print(1)\n")
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "two words.txt").write_text("two")
    (tmp_path / ".hidden").write_text("h")
    (tmp_path / "README").write_text("r")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(text: str) -> list[str]:
    return [each.name for each in gather(text).attachments]


@pytest.mark.parametrize(
    ("text", "attached"),
    [
        ("see @notes.md", ["notes.md"]),
        ("@notes.md and @src/main.py", ["notes.md", "main.py"]),
        ("@notes.md, @notes.md.", ["notes.md"]),
        ("what is in @src/main.py?", ["main.py"]),
        ('@"two words.txt"', ["two words.txt"]),
        ("(@notes.md)", []),
        ("me@notes.md", []),
        ("@README says", ["README"]),
        ("nothing", []),
    ],
)
def test_an_at_before_a_path_attaches_the_file(here: Path, text: str, attached: list[str]) -> None:
    assert (names(text), gather(text).faults) == (attached, ())


def test_the_home_folder_can_be_meant(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here / "src"))
    assert names("@~/main.py") == ["main.py"]


@pytest.mark.parametrize(
    "text", ["@bob, are you there?", "@pytest.fixture\ndef x(): ...", '@app.get("/")', "a @ b", "@@x"]
)
def test_other_words_with_an_at_are_words(here: Path, text: str) -> None:
    assert gather(text).faults == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("@missing.md", "There is no file 'missing.md'."),
        ("@src/none", "There is no file 'src/none'."),
        ('@"no such"', "There is no file 'no such'."),
        ("@src", "'src' is a folder; attach a text file."),
        ("@pipe", "'pipe' is a pipe and not a plain file; attach a text file."),
        ("@photo.png", "'photo.png' is not a text file."),
        ("@latin.txt", "'latin.txt' is not UTF-8 at byte 1; convert it first."),
        ("@huge.txt", "'huge.txt' has 16.8 MB, too much for any model; attach a part of it."),
    ],
)
def test_what_cannot_go_along_is_said_in_a_sentence(here: Path, text: str, fault: str) -> None:
    os.mkfifo(here / "pipe")
    (here / "photo.png").write_bytes(b"\x89PNG\r\n\x00\x01")
    (here / "latin.txt").write_bytes(b"a\xe9b")
    with (here / "huge.txt").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert gather(text).faults == (fault,)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(AttachmentError):
            read(Path(name))


def test_a_file_is_read_sign_for_sign(here: Path) -> None:
    (here / "evil.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\x1b]52;c;x\x07")
    assert read(Path("evil.txt")).text == "a\nb\x1b]52;c;x\x07"


def test_the_model_reads_the_text_and_then_each_file_in_fences() -> None:
    whole = with_attachments("Compare.", [Attachment("a.py", "x = 1\n"), Attachment("b", "```\ncode\n```")])
    assert whole == "Compare.\n\na.py:\n```py\nx = 1\n```\n\nb:\n````\n```\ncode\n```\n````"
    assert with_attachments("", [Attachment("a.txt", "x")]) == "a.txt:\n```txt\nx\n```"


@given(st.text("`~ \nx", max_size=60))
def test_no_file_can_end_its_fence(text: str) -> None:
    lines = with_attachments("", [Attachment("f", text)]).split("\n")
    fence = lines[1]
    assert [line for line in lines if line.strip().startswith(fence) and not line.strip().strip("`")] == [fence, fence]


def test_a_chip_says_name_size_and_about_how_many_tokens(here: Path) -> None:
    assert list_mentioned("@notes.md @src @missing.md") == (("notes.md", 8),)
    assert describe("notes.md", 3200) == "notes.md · 3.2 kB · about 800 tokens"


@pytest.mark.parametrize(
    ("line", "suggested"),
    [
        ("see @", ["@src/", "@README ", "@notes.md ", '@"two words.txt" ']),
        ("@no", ["@notes.md "]),
        ("@src/", ["@src/main.py "]),
        ("@.h", ["@.hidden "]),
        ('@"two', ['@"two words.txt" ']),
        ('@"', ['@"src/', '@"README" ', '@"notes.md" ', '@"two words.txt" ']),
        ("@nosuch", []),
        ("@nowhere/", []),
        ("me@no", []),
        ("@notes.md ", []),
    ],
)
def test_a_path_is_completed(here: Path, line: str, suggested: list[str]) -> None:
    found = complete_path(line)
    assert ([each.text for each in found.suggestions] if found else []) == suggested


def test_names_that_cannot_be_written_are_not_offered(here: Path) -> None:
    (here / "bad\x1bname").touch()
    (here / "bad\nname").touch()
    (here / 'bad"name').touch()
    assert complete_path("@bad") is None
