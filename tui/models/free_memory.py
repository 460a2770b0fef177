"""Memory that is free for a model: what the system can give, within what a container may take."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_MAC = (
    "hw.memsize", "hw.pagesize", "vm.page_free_count", "vm.page_speculative_count", "vm.page_purgeable_count",
    "vm.page_pageable_external_count",
)  # fmt: skip
"""The memory and the size of a page in bytes; then the counts of pages that can be had without swapping."""

_UNLIMITED = 2**60


class FreeMemory(Struct, frozen=True):
    """Bytes of memory, and of memory on the GPU that this build can use."""

    total: int
    free: int
    """Bytes that can be had without swapping: unused, or holding nothing but copies of files."""
    gpu: int = 0


def measure_memory(root: Path = Path("/")) -> FreeMemory | None:
    """Return the memory of this machine now, or None where it cannot be told; /proc and /sys are below `root`."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return _measure_mac()
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    total, free = sizes["MemTotal"], sizes.get("MemAvailable", sizes["MemFree"])
    for limit, used in _groups(root):
        total, free = min(total, limit), min(free, max(limit - used, 0))
    return FreeMemory(total, free)


def with_gpu(room: FreeMemory) -> FreeMemory:
    """Return the memory with that of the GPU added: of the largest NVIDIA one, or of a Mac, which shares it."""
    if sys.platform == "darwin":
        # Metal lets a process have about so much of it.
        shared = min(room.free, room.total * 7 // 10)
        return FreeMemory(room.total, room.free - shared, shared)
    output = _output("nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits")
    return FreeMemory(
        room.total, room.free, max((int(line) * 2**20 for line in output.split() if line.isdigit()), default=0)
    )


def _measure_mac() -> FreeMemory | None:
    numbers = [int(word) for word in _output("sysctl", "-n", *_MAC).split() if word.isdigit()]
    if len(numbers) != len(_MAC):
        return None
    total, page, *counts = numbers
    return FreeMemory(total, page * sum(counts))


def _output(*words: str) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _groups(root: Path) -> Iterator[tuple[int, int]]:
    """Yield limit and use, in bytes, of every control group of this process, of version 1 and 2.

    Pages of files that a group can let go of do not count as used, as they do not for MemAvailable.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, place = line.split(":", 2)
        if kinds == "":
            mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in kinds.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            mount = root / "sys/fs/cgroup/memory"
        else:
            continue
        folder = mount / place.lstrip("/")
        # A container sees its own group at the mount, and not the path that the host knows it by.
        for group in (folder, *folder.parents):
            if group.is_relative_to(mount):
                yield from _group(group, *names)


def _group(folder: Path, limit: str, use: str, files: str) -> Iterator[tuple[int, int]]:
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / use).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return
    if most.isdigit() and int(most) < _UNLIMITED:
        yield int(most), used - int(stat.get(files, 0))
