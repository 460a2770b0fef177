"""Description of the machine that runs the benchmark."""

import platform
from pathlib import Path

from msgspec import Struct

from tui.bench.reply_speed import CONTEXT
from tui.engine.llama import machine
from tui.engine.llama.options import share_cores


class Environment(Struct, frozen=True):
    """A machine, and the build of llama.cpp on it."""

    system: str
    cpu: str
    cores: int
    """CPU cores that this process may use."""
    threads: tuple[int, int]
    """Threads that decode replies, and threads that read prompts."""
    binding: str
    """Version of llama-cpp-python."""
    build: str
    """Backends and CPU features, in llama.cpp's words."""


def describe() -> Environment:
    """Describe this machine."""
    there = machine()
    return Environment(
        platform.platform(), _cpu(), there.cores, share_cores(CONTEXT, there.cores), there.binding, there.system
    )


def _cpu() -> str:
    """Return the processor's name, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
