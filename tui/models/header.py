"""Reader of GGUF headers, in bounded time and memory whatever a file says of itself.

The rules are those of llama.cpp's reader (ggml/src/gguf.cpp of the pinned version). Each fault gets its own words,
where llama.cpp has one answer for all.
"""

import struct
from typing import BinaryIO, NamedTuple, NoReturn

from msgspec import Struct

from tui.models.quantization import TENSOR_TYPES

VERSIONS = (2, 3)
"""The GGUF versions that llama.cpp reads."""

MAX_HEADER = 128 * 2**20
"""Largest header in bytes. The largest vocabularies of today take 20 MiB with their merges."""

MAX_LIST = 1024
"""Longest list that is read; the entries of a longer one, such as a vocabulary, are only skipped."""

MAX_ENTRIES = 100_000
"""Most metadata entries, or tensors; real models have a few thousand."""

_NAME = 64
_DIMENSIONS = 4
_LARGEST = 2**63 - 1


class HeaderArray(Struct, frozen=True):
    """A list of the metadata that is left in the file."""

    kind: str
    count: int
    start: int
    """Offset of its first entry in bytes from the start of the file."""


Value = int | float | bool | str | tuple[int | float | bool | str, ...] | HeaderArray


class Tensor(NamedTuple):
    """A tensor as the header describes it; `offset` counts from where the data starts, `size` is in bytes."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    size: int

    @property
    def elements(self) -> int:
        """Number of values it holds."""
        product = 1
        for length in self.shape:
            product *= length
        return product


class Header(Struct, frozen=True, kw_only=True):
    """Metadata and tensor descriptions of a GGUF, all that comes before its data."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    alignment: int
    data: int
    """Offset of the tensors' data in bytes."""
    end: int
    """Least size of a complete file in bytes."""
    notes: tuple[str, ...]
    """Oddities that do no harm, a sentence each."""

    @property
    def architecture(self) -> str:
        """Family of models that it belongs to, such as llama; empty where it does not say."""
        return self.text("general.architecture")

    @property
    def weights(self) -> int:
        """Bytes of tensors."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def parameters(self) -> int:
        """Number of values in its tensors."""
        return sum(tensor.elements for tensor in self.tensors)

    def text(self, key: str) -> str:
        """Return a text of the metadata, empty where there is none."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """Return the whole number under `<architecture>.<key>` in the metadata; of a list, its largest."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, tuple):
            return max((entry for entry in value if isinstance(entry, int)), default=default)
        return value if isinstance(value, int) else default

    def count(self, key: str) -> int:
        """Return the length of a list of the metadata, 0 where there is none."""
        value = self.metadata.get(key)
        if isinstance(value, HeaderArray):
            return value.count
        return len(value) if isinstance(value, tuple) else 0


class HeaderFault(Exception):
    """A fault of a file; its text continues a sentence that begins `The model 'x.gguf'`."""


def read_header(file: BinaryIO, size: int) -> Header:
    """Return the header of a GGUF that is open at its start and has `size` bytes; raises HeaderFault."""
    reader = _Reader(file, size)
    version, tensors, entries = _read_start(reader)
    metadata = _read_metadata(reader, entries)
    alignment = metadata.get("general.alignment", 32)
    # Under that key nothing but an unsigned whole number is let in.
    assert isinstance(alignment, int)
    if alignment < 1 or alignment & (alignment - 1):
        _damaged(f"its alignment of {alignment} is no power of two")
    infos, used, end = _read_tensors(reader, tensors, alignment)
    data = _padded(reader.at, alignment) if infos else reader.at
    if used > _LARGEST:
        _damaged("its tensors are together larger than a file can be")
    if data + end > size:
        raise HeaderFault(f"is incomplete: it has {size:,} of {data + end:,} bytes; download it again")
    return Header(
        version=version, metadata=metadata, tensors=infos, alignment=alignment, data=data, end=data + end,
        notes=tuple(reader.notes),
    )  # fmt: skip


def read_entry(file: BinaryIO, size: int, array: HeaderArray, place: int) -> str:
    """Return the text at index `place` of a list that was left in the file; raises HeaderFault."""
    reader = _Reader(file, size)
    reader.skip(array.start)
    reader.pass_texts(place)
    return reader.text("an entry")


def _damaged(what: str) -> NoReturn:
    raise HeaderFault(f"is damaged: {what}; download it again")


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


# --- parts ----------------------------------------------------------------------------------------------------------


def _read_start(reader: "_Reader") -> tuple[int, int, int]:
    """Return the version, and the counts of tensors and of metadata entries."""
    if reader.take(4) != b"GGUF":
        raise HeaderFault("is not a GGUF")
    version = reader.number("I")
    if version not in VERSIONS:
        if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
            raise HeaderFault("is a big-endian GGUF, made for another kind of machine; get the little-endian one")
        raise HeaderFault(f"is a GGUF of version {version}; versions {' and '.join(map(str, VERSIONS))} can be read")
    tensors, entries = reader.number("Q"), reader.number("Q")
    left = reader.size - reader.at
    # The shortest entry is a key of one character with a value of one byte; the shortest tensor has no name.
    for count, least, what in ((tensors, 24, "tensors"), (entries, 14, "metadata entries")):
        if count > MAX_ENTRIES:
            _damaged(f"it claims {count:,} {what}")
        if count * least > left:
            raise HeaderFault(f"is incomplete: {left:,} bytes cannot hold its {count:,} {what}; download it again")
    return version, tensors, entries


def _read_metadata(reader: "_Reader", entries: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for place in range(1, entries + 1):
        key = reader.text("a metadata key")
        if not key:
            _damaged(f"the key of metadata entry {place} is empty")
        if key in metadata:
            _damaged(f"the metadata key {key!r} stands twice")
        kind = reader.number("I")
        if key == "general.alignment" and kind != 4:
            _damaged("its general.alignment is not an unsigned whole number of 32 bits")
        metadata[key] = _read_list(reader, key) if kind == _LIST else _read_value(reader, key, kind)
    return metadata


def _read_value(reader: "_Reader", key: str, kind: int) -> int | float | bool | str:
    if kind == _TEXT:
        return reader.text(f"the metadata {key!r}")
    if kind not in _NUMBERS:
        _damaged(f"the metadata {key!r} is of the unknown type {kind}")
    return reader.number(_NUMBERS[kind])


def _read_list(reader: "_Reader", key: str) -> Value:
    kind, count = reader.number("I"), reader.number("Q")
    if kind == _TEXT:
        if count <= MAX_LIST:
            return tuple(reader.text(f"the metadata {key!r}") for _ in range(count))
        array = HeaderArray("text", count, reader.at)
        reader.pass_texts(count)
        return array
    if kind not in _NUMBERS:
        _damaged(f"the metadata {key!r} is a list of the unknown type {kind}")
    if count <= MAX_LIST:
        return reader.numbers(_NUMBERS[kind], count)
    array = HeaderArray("number", count, reader.at)
    reader.skip(count * struct.calcsize(_NUMBERS[kind]))
    return array


def _read_tensors(reader: "_Reader", count: int, alignment: int) -> tuple[tuple[Tensor, ...], int, int]:
    """Return the tensors, the bytes they take with padding, and without the padding of the last."""
    tensors, names = [], set()
    used = end = 0
    for _ in range(count):
        tensor = _read_tensor(reader)
        if tensor.name in names:
            _damaged(f"the tensor {tensor.name!r} stands twice")
        names.add(tensor.name)
        if tensor.offset != used:
            why = f"no multiple of {alignment}" if tensor.offset % alignment else f"where {used:,} was due"
            _damaged(f"the tensor {tensor.name!r} starts at {tensor.offset:,}, {why}")
        end = used + tensor.size
        used += _padded(tensor.size, alignment)
        tensors.append(tensor)
    return tuple(tensors), used, end


def _read_tensor(reader: "_Reader") -> Tensor:
    name = reader.text("a tensor's name")
    if len(name.encode()) >= _NAME:
        _damaged(f"the name of tensor {name[:20]!r}... is longer than {_NAME - 1} bytes")
    dimensions = reader.number("I")
    if dimensions > _DIMENSIONS:
        _damaged(f"the tensor {name!r} has {dimensions:,} dimensions, more than {_DIMENSIONS}")
    shape = tuple(reader.number("q") for _ in range(dimensions))
    elements = 1
    for length in shape:
        if length < 0:
            _damaged(f"the tensor {name!r} has a dimension of {length:,}")
        elements *= length
        if elements > _LARGEST:
            _damaged(f"the tensor {name!r} has more numbers than can be counted")
    number, offset = reader.number("i"), reader.number("Q")
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        _damaged(f"the tensor {name!r} is of type {number}, which this llama.cpp does not read")
    if shape and shape[0] % kind.block:
        _damaged(
            f"the tensor {name!r} has rows of {shape[0]:,} numbers, no multiple of the {kind.block} of {kind.name}"
        )
    return Tensor(name, shape, kind.name, offset, elements // kind.block * kind.size)


# --- bytes ----------------------------------------------------------------------------------------------------------

_TEXT, _LIST = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""The value types of GGUF, as `struct` spells them."""
_LENGTH = struct.Struct("<Q")
_FIRST = 2**20


class _Reader:
    """A file read from its start in growing steps, at most twice as much as was asked for."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self.at = 0
        self.notes: list[str] = []
        self._file = file
        self._data = bytearray()

    def _have(self, count: int) -> None:
        """Read on until the next `count` bytes are in memory."""
        end = self.at + count
        if end > self.size:
            raise HeaderFault(f"is incomplete: its {self.size:,} bytes end within its header; download it again")
        if end > MAX_HEADER:
            _damaged(f"its header is longer than {MAX_HEADER:,} bytes")
        if end > len(self._data):
            self._data += self._file.read(max(end, 2 * len(self._data), _FIRST) - len(self._data))
            if end > len(self._data):
                raise HeaderFault("grew shorter while it was being read; download it again")

    def take(self, count: int) -> bytes:
        self._have(count)
        self.at += count
        return bytes(self._data[self.at - count : self.at])

    def skip(self, count: int) -> None:
        self._have(count)
        self.at += count

    def number(self, kind: str) -> int:
        """Read one number; floats and truth values are numbers too."""
        return struct.unpack("<" + kind, self.take(struct.calcsize(kind)))[0]  # type: ignore[no-any-return]

    def numbers(self, kind: str, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}{kind}", self.take(struct.calcsize(kind) * count))

    def text(self, what: str) -> str:
        """Read a text with its length before it; bytes that are not UTF-8 do no harm and make a note."""
        raw = self.take(self.number("Q"))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.notes.append(f"{what} is not UTF-8")
            return raw.decode("utf-8", "replace")

    def pass_texts(self, count: int) -> None:
        """Skip texts. Half a million of them are passed at every start: the loop does only what it must."""
        if count * _LENGTH.size > self.size - self.at:
            self._have(count * _LENGTH.size)
        length, data, at = _LENGTH.unpack_from, self._data, self.at
        while count:
            try:
                for _ in range(count):
                    at += 8 + length(data, at)[0]
                    count -= 1
            except (struct.error, OverflowError):  # the end of what is at hand, or a length that is a lie
                self.at = at
                self._have(8)
        self.at = at
        self._have(0)
