"""Attachments of a question: files named by an `@`, and long pastes."""

import mimetypes
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from tui.errors import AttachmentError
from tui.models.memory import show_size
from tui.paths import FileFault, FileMissing, decode_text, expand, is_file, is_there, read_regular
from tui.prompt_line.completion import Completion, Suggestion
from tui.terminal import safe_line, written

LARGEST = 16 * 2**20
"""Bytes of a file; no context holds more."""

MOST = 200
"""Paths suggested at a time."""

_BYTES_A_TOKEN = 4
"""Average in any script: tokens of rarer scripts hold fewer characters, of more bytes each."""

_MENTION = re.compile(r"""(?<!\S)@(?:"([^"\n]+)"|([^\s"@]\S*))""")
_UNFINISHED = re.compile(r"""(?<!\S)@(?:"([^"\n]*)|([^\s"]*))$""")


class Attachment(Struct, frozen=True):
    """Text that is sent along with a question, and its name."""

    name: str
    text: str

    @property
    def size(self) -> int:
        """Bytes in UTF-8."""
        return len(self.text.encode())

    def __str__(self) -> str:
        return describe(self.name, self.size)


class Mention(Struct, frozen=True):
    """Path after an `@` in a text, from index `start` to `end`."""

    start: int
    end: int
    path: Path
    named: bool
    """True if it can only mean a file, so that a missing one is an error; `@bob` may be a name."""


class GatheredAttachments(Struct, frozen=True):
    """Files that a text mentions: the readable ones, and a sentence for each other one."""

    attachments: tuple[Attachment, ...] = ()
    faults: tuple[str, ...] = ()


def tokens(size: int) -> int:
    """Estimate the number of tokens in `size` bytes of text."""
    return -(-size // _BYTES_A_TOKEN)


def describe(name: str, size: int) -> str:
    """Return a label such as `notes.md · 3.2 kB · about 800 tokens`."""
    return f"{safe_line(name)} · {show_size(size)} · about {tokens(size):,} tokens"


def mentions(text: str) -> tuple[Mention, ...]:
    """Return the files that a text mentions, and the words that may be files."""
    found = []
    for match in _MENTION.finditer(text):
        quoted, word = match.groups()
        path = _path(quoted or word)
        end = match.end()
        if word and not is_there(path):
            bare = word.rstrip(".,;:!?)]}'\"")
            if is_there(_path(bare)):
                path, end = _path(bare), match.start() + 1 + len(bare)
        found.append(Mention(match.start(), end, path, named=bool(quoted) or _looks_like_a_path(word)))
    return tuple(found)


def list_mentioned(text: str) -> tuple[tuple[str, int], ...]:
    """Return name and size in bytes of each existing file that a text mentions, without reading it."""
    found: dict[Path, tuple[str, int]] = {}
    for mention in mentions(text):
        if is_file(mention.path):
            with suppress(OSError):  # it may go meanwhile
                found[mention.path] = (mention.path.name, mention.path.stat().st_size)
    return tuple(found.values())


def gather(text: str) -> GatheredAttachments:
    """Read the files that a text mentions, each once."""
    found: dict[Path, Attachment] = {}
    faults: dict[str, None] = {}
    for mention in mentions(text):
        try:
            if mention.path not in found and (mention.named or is_there(mention.path)):
                found[mention.path] = read(mention.path)
        except AttachmentError as error:
            faults[str(error)] = None
    return GatheredAttachments(tuple(found.values()), tuple(faults))


def read(path: Path) -> Attachment:
    """Read a text file; raises AttachmentError with the reason why it cannot be attached."""
    shown = repr(str(path))
    try:
        content = read_regular(path, LARGEST + 1, "attach a text file")
        if len(content) > LARGEST:
            size = show_size(path.stat().st_size)
            raise AttachmentError(f"{shown} has {size}, too much for any model; attach a part of it.")
    except FileMissing:
        raise AttachmentError(f"There is no file {shown}.") from None
    except FileFault as fault:
        raise AttachmentError(f"{shown} {fault}.") from None
    try:
        text = decode_text(content)
        if "\0" in text:
            raise AttachmentError(f"{shown} is not a text file.")
    except UnicodeDecodeError as error:
        if b"\0" in content:
            raise AttachmentError(f"{shown} is not a text file.") from None
        raise AttachmentError(f"{shown} is not UTF-8 at byte {error.start:,}; convert it first.") from None
    return Attachment(path.name, written(text))


def with_attachments(text: str, attachments: Iterable[Attachment]) -> str:
    """Return the text for the model: the question, then each attachment between fences longer than any inside it."""
    parts = [text] if text else []
    for attachment in attachments:
        runs = [len(run) for run in re.findall(r"^ {0,3}(`{3,})", attachment.text, re.MULTILINE)]
        fence = "`" * (max(runs, default=2) + 1)
        suffix = Path(attachment.name).suffix.removeprefix(".")
        end = "" if attachment.text.endswith("\n") else "\n"
        parts.append(
            f"{safe_line(attachment.name)}:\n{fence}{suffix if suffix.isalnum() else ''}\n{attachment.text}{end}{fence}"
        )
    return "\n\n".join(parts)


def complete_path(line: str) -> Completion | None:
    """Complete an `@path` at the end of a line; None if there is none. It reads a folder."""
    begun = _UNFINISHED.search(line)
    if begun is None:
        return None
    quoted = begun[1] is not None
    typed = begun[1] if quoted else begun[2]
    folder, slash, name = typed.rpartition("/")
    suggestions = tuple(_suggestion(folder + slash, entry, quoted) for entry in _entries(folder + slash, name))
    typed_mention = line[begun.start() :]
    if not suggestions or [each.text for each in suggestions] == [typed_mention]:
        return None
    return Completion(begun.start(), typed_mention, suggestions)


def _entries(folder: str, name: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder that begin with a name, then those that contain it; folders come first."""
    found = []
    try:
        with os.scandir(_path(folder) if folder else Path()) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not name.startswith(".")
                writable = safe_line(entry.name) == entry.name and '"' not in entry.name
                if name.lower() in entry.name.lower() and writable and not hidden:
                    found.append(entry)
    except (OSError, ValueError):
        return []
    found.sort(key=lambda entry: (not entry.name.lower().startswith(name.lower()), not _is_folder(entry), entry.name))
    return found[:MOST]


def _suggestion(folder: str, entry: os.DirEntry[str], quoted: bool) -> Suggestion:
    path = folder + entry.name
    quote = '"' if quoted or re.search(r"\s", path) else ""
    if _is_folder(entry):
        return Suggestion(f"@{quote}{path}/", "folder", unfinished=True)
    try:
        size = show_size(entry.stat().st_size)
    except OSError:
        size = ""
    return Suggestion(f"@{quote}{path}{quote} ", size)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _looks_like_a_path(word: str) -> bool:
    """Return True for `src/main.py`, `notes.md` and `~/x`, False for `pytest.fixture`, `app.get("/")` and `bob`."""
    if re.search(r"[(){}=]", word):
        return False
    return "/" in word or word.startswith("~") or mimetypes.guess_type(word.rstrip(".,;:!?"))[0] is not None


def _path(word: str) -> Path:
    return expand(word) or Path(word)
