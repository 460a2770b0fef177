"""What cannot be a model is named before the engine sees it."""

import os
import struct
from pathlib import Path

import pytest

from tui.errors import ModelError
from tui.models.preflight import check_model

HEADER = struct.pack("<4sIQQ", b"GGUF", 3, 1, 1)


def said(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_model(path)
    text = str(caught.value)
    assert repr(str(path)) in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("version", [2, 3])
def test_a_gguf_passes(tmp_path: Path, version: int) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(struct.pack("<4sIQQ", b"GGUF", version, 1, 1))
    check_model(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"GGUF", "cut off"),
        (struct.pack("<4sIQQ", b"GGUF", 1, 1, 1), "version 1; versions 2 and 3 can be read"),
        (struct.pack("<4sIQQ", b"GGUF", 99, 1, 1), "version 99"),
        (struct.pack(">4sIQQ", b"GGUF", 3, 1, 1), "big-endian"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer; .*git lfs pull"),
        (b"\n <!DOCTYPE HTML><html>", "a web page"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (b"PK\x03\x04\0\0", "a zip archive"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (struct.pack("<Q", 64) + b'{"__metadata__":{}}', "a safetensors file"),
        (b"lmgg\1\0\0\0", "an old GGML file"),
        (bytes(4096), "only zeros"),
        ("FROM stärter\n".encode(), "a text file"),
        (("é" * 400).encode()[:511], "a text file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "some other binary file"),
        (b"\xff" * 100, "some other binary file"),
    ],
)
def test_what_is_not_a_gguf_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    assert pytest.raises(ModelError, check_model, path).match(what)
    said(path)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "There is no model file" in said(tmp_path / "a.gguf")
    assert "cannot be read" in said(tmp_path / ("a" * 300))


def test_a_folder_and_a_pipe_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    assert "is a folder" in said(tmp_path)
    assert "is a pipe" in said(tmp_path / "pipe.gguf")
    assert "not a plain file" in said(Path("/dev/null"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(HEADER)
    path.chmod(0)
    assert "check its permissions" in said(path)
