"""Refusal of files that cannot be a model, before the engine sees them."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.gguf import DATA, LLAMA, TENSORS, gguf, number, string, tensor, tiny, write
from tui.errors import ModelError
from tui.knobs.table import Knobs
from tui.models.memory import estimate
from tui.models.preflight import check_model, parts


def said(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_model(path)
    text = str(caught.value)
    assert repr(str(path)) in text
    assert "\n" not in text
    return text


def test_a_model_passes_and_its_header_is_returned(tmp_path: Path) -> None:
    header = check_model(write(tmp_path / "a.gguf"))
    assert (header.architecture, len(header.tensors)) == ("llama", 2)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"GGUF", "incomplete: its 4 bytes end within its header"),
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
def test_g29_what_is_not_a_gguf_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    assert pytest.raises(ModelError, check_model, path).match(what)
    said(path)


def test_g32_a_missing_file(tmp_path: Path) -> None:
    assert "There is no model file" in said(tmp_path / "a.gguf")
    assert "cannot be read" in said(tmp_path / ("a" * 300))


def test_g32_g33_a_folder_and_a_pipe_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    assert "is a folder" in said(tmp_path)
    assert "is a pipe" in said(tmp_path / "pipe.gguf")
    for device in ("/dev/null", "/dev/zero"):
        assert "not a plain file" in said(Path(device))


def test_g32_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "dangling.gguf").symlink_to(tmp_path / "gone.gguf")
    (tmp_path / "loop.gguf").symlink_to(tmp_path / "loop.gguf")
    assert "There is no model file" in said(tmp_path / "dangling.gguf")
    assert "cannot be read: Too many levels of symbolic links" in said(tmp_path / "loop.gguf")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_g32_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(tiny())
    path.chmod(0)
    assert "check its permissions" in said(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (tiny()[:-1], "is incomplete: it has 863 of 864 bytes; download it again"),
        (gguf([], TENSORS, DATA), "names no architecture"),
        (tiny(("general.type", string("mmproj"))), "the eyes of a model that sees"),
        (tiny(("general.architecture", string("clip"))), "the eyes of a model that sees"),
        (tiny(("general.type", string("adapter"))), "a LoRA adapter"),
        (gguf(LLAMA), "a vocabulary without a model"),
        (tiny(("llama.block_count", number(2**32 - 1))), "4,294,967,295 layers, and llama.cpp takes 1 to 512"),
        (tiny(("llama.block_count", number(0))), "said to have 0 layers"),
        (tiny(("split.count", number(3, "H"))), "one part of a split model under another name"),
    ],
)
def test_g35_g36_a_gguf_that_is_no_model_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    assert what in said(path)


def test_g51_a_split_model_is_all_its_parts(tmp_path: Path) -> None:
    first, second = parts(tmp_path / "big-00001-of-00002.gguf")
    count = ("split.count", number(2, "H"))
    write(first, count)
    assert repr(str(second)) in pytest.raises(ModelError, check_model, first).value.args[0]
    second.write_bytes(gguf([count], [tensor("blk.0.attn_k.weight", [8, 4], 0)], 128))
    assert len(check_model(first).tensors) == 3
    assert "a later part of a split model; name the first, 'big-00001-of-00002.gguf'" in said(second)
    second.write_bytes(b"<html>")
    assert "a web page" in pytest.raises(ModelError, check_model, first).value.args[0]


@given(st.data())
@settings(max_examples=depth(100, 1000), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_g55_nothing_but_a_model_error_comes_out(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(tiny())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - DATA))
        put = data.draw(st.binary(min_size=1, max_size=9))
        content[place : place + data.draw(st.integers(0, 9))] = put
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    try:
        header = check_model(path)
    except ModelError as error:
        assert "\n" not in str(error)
    else:
        assert estimate(header, Knobs()).total >= 0
