"""Our reader of GGUF headers against the bad files of llama.cpp's tests/test-gguf.cpp, and against its own reader."""

import ctypes
import io
import struct
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.gguf import DATA, LLAMA, TENSORS, array, gguf, number, string, tensor, text, tiny
from tui.models.header import MAX_HEADER, Header, HeaderArray, HeaderFault, read_entry, read_header
from tui.models.quantization import TENSOR_TYPES

WHOLE = tiny()
EXAMPLES = depth(150, 2000)
"""Mutated headers to try."""


def read(content: bytes) -> Header:
    return read_header(io.BytesIO(content), len(content))


def aligned(value: int, kind: str = "I") -> tuple[str, bytes]:
    return ("general.alignment", number(value, kind))


TOO_MANY = 2**64 - 1

BAD: dict[str, tuple[bytes, str]] = {
    "HEADER_BAD_MAGIC": (gguf(magic=b"FUGG"), "is not a GGUF"),
    "HEADER_BAD_VERSION_0": (gguf(version=0), "version 0; versions 2 and 3 can be read"),
    "HEADER_BAD_VERSION_1": (gguf(version=1), "version 1; versions 2 and 3 can be read"),
    "HEADER_BAD_VERSION_FUTURE": (gguf(version=4), "version 4; versions 2 and 3 can be read"),
    "HEADER_BIG_ENDIAN": (gguf(version=3 << 24), "big-endian"),
    "HEADER_BAD_N_TENSORS": (gguf(counts=(TOO_MANY, None)), "claims 18,446,744,073,709,551,615 tensors"),
    "HEADER_BAD_N_KV": (gguf(counts=(None, TOO_MANY)), "claims 18,446,744,073,709,551,615 metadata entries"),
    "HEADER_MORE_THAN_THERE_IS": (gguf(counts=(9, None), data=9), "17 bytes cannot hold its 9 tensors"),
    "KV_BAD_KEY_SIZE": (gguf([("", b"")])[:24] + text("x", TOO_MANY) + bytes(8), "end within its header"),
    "KV_EMPTY_KEY": (gguf([("", number(1))]), "key of metadata entry 1 is empty"),
    "KV_BAD_TYPE": (gguf([("key", struct.pack("<IB", 13, 0))]), "'key' is of the unknown type 13"),
    "KV_BAD_LIST_TYPE": (gguf([("key", struct.pack("<IIQ", 9, 9, 0))]), "'key' is a list of the unknown type 9"),
    "KV_LIST_TOO_LONG": (gguf([("key", struct.pack("<IIQ", 9, 0, TOO_MANY))]), "end within its header"),
    "KV_TEXTS_TOO_MANY": (gguf([("key", struct.pack("<IIQ", 9, 8, 2**40))]), "end within its header"),
    "KV_DUPLICATE_KEY": (gguf([("key", number(1)), ("key", number(2))]), "key 'key' stands twice"),
    "KV_BAD_ALIGN": (gguf([aligned(13)]), "alignment of 13 is no power of two"),
    "KV_ZERO_ALIGN": (gguf([aligned(0)]), "alignment of 0 is no power of two"),
    "KV_WRONG_TYPE_ALIGN": (gguf([aligned(32, "i")]), "general.alignment is not an unsigned"),
    "TENSORS_BAD_NAME_SIZE": (gguf([], [tensor("x" * 64, [1], 0)], 32), "longer than 63 bytes"),
    "TENSORS_BAD_N_DIMS": (gguf([], [tensor("x", [1] * 5, 0)], 32), "has 5 dimensions, more than 4"),
    "TENSORS_BAD_SHAPE": (gguf([], [tensor("x", [-1], 0)], 32), "has a dimension of -1"),
    "TENSORS_NE_TOO_BIG": (gguf([], [tensor("x", [4 * (2**31 - 1)] * 2, 0)], 32), "more numbers than can be counted"),
    "TENSORS_NBYTES_TOO_BIG": (gguf([], [tensor("x", [2**31 - 1] * 2, 0, 27)], 32), "larger than a file can be"),
    "TENSORS_NBYTES_PAD_WRAP": (gguf([], [tensor("x", [4, 2**30 - 1, 2**30 + 1], 0)], 32), "larger than a file"),
    "TENSORS_BAD_TYPE": (gguf([], [tensor("x", [1], 0, 43)], 32), "type 43, which this llama.cpp does not read"),
    "TENSORS_REMOVED_TYPE": (gguf([], [tensor("x", [32], 0, 31)], 32), "type 31, which this llama.cpp does not read"),
    "TENSORS_NEGATIVE_TYPE": (gguf([], [tensor("x", [1], 0, -1)], 32), "type -1, which this llama.cpp does not read"),
    "TENSORS_BAD_ROWS": (gguf([], [tensor("x", [33], 0, 2)], 32), "rows of 33 numbers, no multiple of the 32 of Q4_0"),
    "TENSORS_BAD_OFFSET": (gguf([], [tensor("x", [1], TOO_MANY)], 32), "starts at 18,446,744,073,709,551,615, no mul"),
    "TENSORS_GAP": (gguf([], [tensor("x", [1], 64)], 96), "'x' starts at 64, where 0 was due"),
    "TENSORS_DUPLICATE_NAME": (
        gguf([], [tensor("x", [1], 0), tensor("x", [1], 32)], 64),
        "the tensor 'x' stands twice",
    ),
    "TENSORS_BAD_ALIGN": (gguf([aligned(13)], [tensor("x", [1], 0)], 32), "alignment of 13 is no power of two"),
    "TENSORS_INCONSISTENT_ALIGN": (
        gguf([aligned(64)], [tensor("x", [1], 0), tensor("y", [1], 32)], 96),
        "'y' starts at 32, no multiple of 64",
    ),
    "DATA_NOT_ENOUGH_DATA": (WHOLE[:-1], "it has 863 of 864 bytes"),
    "DATA_MEM_SIZE_OVERFLOW": (
        gguf([], [tensor("x", [2**63 - 64], 0, 24), tensor("y", [2**63 - 64], 2**63 - 64, 24)], 32),
        "together larger than a file can be",
    ),
}

GOOD = {
    "HEADER_EMPTY": gguf(),
    "HEADER_VERSION_2": gguf(version=2),
    "KV_SUCCESS": WHOLE,
    "KV_NOT_UTF8": gguf([("general.name", string(b"caf\xe9"))]),
    "TENSORS_ZERO_DIM": gguf([], [tensor("x", [0], 0)]),
    "TENSORS_NO_DIMS": gguf([], [tensor("x", [], 0)], 32),
    "TENSORS_CUSTOM_ALIGN": gguf([aligned(1)], [tensor("x", [1], 0), tensor("y", [1], 4)], 8, alignment=1),
}


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_g01_to_g27_every_bad_file_has_its_own_words(content: bytes, said: str) -> None:
    with pytest.raises(HeaderFault) as caught:
        read(content)
    assert said in str(caught.value)


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_g28_good_files_pass(content: bytes) -> None:
    read(content)


def test_it_says_what_the_file_says() -> None:
    header = read(WHOLE)
    assert (header.architecture, header.version, header.alignment) == ("llama", 3, 32)
    assert header.number("context_length") == 2048
    assert header.metadata["tokenizer.ggml.tokens"] == ("a", "b")
    assert [(found.name, found.shape, found.type, found.size) for found in header.tensors] == [
        ("token_embd.weight", (8, 2), "F32", 64),
        ("blk.0.attn_q.weight", (8, 8), "F32", 256),
    ]
    assert (header.parameters, header.weights) == (80, DATA)
    assert (header.data, header.end) == (len(WHOLE) - DATA, len(WHOLE))


@pytest.mark.parametrize(
    ("kind", "value"),
    [("B", 255), ("b", -1), ("H", 9), ("h", -9), ("I", 9), ("i", -9), ("f", 0.5), ("?", True), ("Q", 2**64 - 1),
     ("q", -(2**63)), ("d", 0.1)],
)  # fmt: skip
def test_every_type_of_value_is_read(kind: str, value: float) -> None:
    header = read(gguf([("one", number(value, kind)), ("many", array([value, value], kind))]))
    assert header.metadata == {"one": value, "many": (value, value)}


def test_g40_what_is_not_utf8_is_noted_and_shown() -> None:
    header = read(GOOD["KV_NOT_UTF8"])
    assert header.text("general.name") == "caf\ufffd"
    assert header.notes == ("the metadata 'general.name' is not UTF-8",)


def test_long_lists_stay_in_the_file() -> None:
    words = [f"word{place}" for place in range(5000)]
    content = gguf([("a", array(words)), ("b", array(range(5000), "I")), ("c", number(7))])
    header = read(content)
    long = header.metadata["a"]
    assert isinstance(long, HeaderArray)
    assert (header.count("a"), header.count("b"), header.metadata["c"]) == (5000, 5000, 7)
    assert read_entry(io.BytesIO(content), len(content), long, 4321) == "word4321"


@pytest.mark.parametrize("length", range(0, len(WHOLE), 7))
def test_g30_a_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(HeaderFault, match="is incomplete: "):
        read(WHOLE[:length])


class Counting(io.BytesIO):
    """A file that remembers how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_no_more_is_read_than_the_header() -> None:
    file = Counting(WHOLE + bytes(2**24))
    read_header(file, len(WHOLE) + 2**24)
    assert file.taken <= 2**20


def test_a_header_without_end_is_left() -> None:
    class Endless(Counting):
        def read(self, size: int | None = -1) -> bytes:
            assert size
            self.taken += size
            return head.ljust(size, b"\0") if self.taken == size else bytes(size)

    head = gguf([("key", struct.pack("<IIQ", 9, 0, 2**40))])
    file = Endless()
    with pytest.raises(HeaderFault, match="header is longer than"):
        read_header(file, 2**50)
    assert file.taken <= 2 * MAX_HEADER


def test_the_largest_vocabularies_are_walked_in_a_moment() -> None:
    words = array([f"word{place}" for place in range(262_144)])
    merges = array([f"wo rd{place}" for place in range(514_906)])
    content = gguf(
        [*LLAMA, ("words", words), ("scores", array([0.0] * 262_144, "f")), ("merges", merges)], TENSORS, DATA
    )
    began = time.process_time()
    read(content)
    assert time.process_time() - began < 0.3


# --- llama.cpp's own reader -----------------------------------------------------------------------------------------


class _Init(ctypes.Structure):
    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


@pytest.fixture(scope="module")
def ggml() -> ctypes.CDLL:
    """llama.cpp's own library, found beside the package, which is not imported."""
    spec = find_spec("llama_cpp")
    assert spec and spec.origin
    suffix = "dylib" if sys.platform == "darwin" else "so"
    return ctypes.CDLL(str(Path(spec.origin).parent / "lib" / f"libggml-base.{suffix}"))


@pytest.fixture(scope="module")
def engine_reads(ggml: ctypes.CDLL, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], bool]:
    """Return True if llama.cpp reads the file."""
    ggml.gguf_init_from_file.argtypes = (ctypes.c_char_p, _Init)
    ggml.gguf_init_from_file.restype = ctypes.c_void_p
    ggml.gguf_free.argtypes = (ctypes.c_void_p,)
    path = tmp_path_factory.mktemp("gguf") / "x.gguf"

    def reads(content: bytes) -> bool:
        path.write_bytes(content)
        context = ggml.gguf_init_from_file(str(path).encode(), _Init(True, None))
        if context:
            ggml.gguf_free(context)
        return bool(context)

    return reads


@pytest.mark.parametrize("name", [*BAD, *GOOD])
def test_g28_llama_cpp_judges_the_same(name: str, engine_reads: Callable[[bytes], bool]) -> None:
    content = GOOD.get(name) or BAD[name][0]
    # Whether the data is all there is asked later, by llama.cpp's loader.
    only_ours = {"DATA_NOT_ENOUGH_DATA", "DATA_MEM_SIZE_OVERFLOW"}
    assert engine_reads(content) == (name in GOOD or name in only_ours)


def test_the_types_are_those_of_the_engine(ggml: ctypes.CDLL) -> None:
    ggml.ggml_type_size.restype = ctypes.c_size_t
    ggml.ggml_blck_size.restype = ctypes.c_int64
    ggml.ggml_type_name.restype = ctypes.c_char_p
    there = {
        kind: (ggml.ggml_type_name(kind).decode().upper(), ggml.ggml_blck_size(kind), ggml.ggml_type_size(kind))
        for kind in range(43)
        if ggml.ggml_blck_size(kind)
    }
    assert {kind: tuple(row) for kind, row in TENSOR_TYPES.items()} == there


HOLES = st.lists(
    st.tuples(
        st.integers(0, len(WHOLE) - DATA - 1),
        st.sampled_from([b"\0", b"\xff", b"\x01", b"\x80", b"\xff" * 4, b"\xff" * 8, bytes(8), b"\x09", b"\x08"])
        | st.binary(min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=4,
)


@given(HOLES, st.integers(0, 40))
@example([(8, b"\xff" * 8)], 0)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_g55_mutated_headers_are_judged_as_llama_cpp_does(
    engine_reads: Callable[[bytes], bool], holes: list[tuple[int, bytes]], cut: int
) -> None:
    content = bytearray(WHOLE)
    for place, put in holes:
        content[place : place + len(put)] = put
    mutated = bytes(content[: len(content) - cut])
    try:
        read(mutated)
    except HeaderFault as fault:
        # Whether the data is all there is asked later, by llama.cpp's loader.
        assert "is incomplete: it has" in str(fault) or not engine_reads(mutated)
    else:
        assert engine_reads(mutated)
