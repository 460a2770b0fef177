"""Devices and build of llama.cpp on this machine."""

from typing import Literal

from msgspec import Struct


class Device(Struct, frozen=True):
    """Device that can hold layers."""

    name: str
    """llama.cpp's, such as CUDA0."""
    description: str
    """The maker's."""
    kind: Literal["CPU", "GPU", "integrated GPU", "accelerator"]
    free: int
    """Bytes of memory that nobody uses."""
    total: int
    """Bytes of memory there are; 0 where the device does not say."""


class Machine(Struct, frozen=True, tag="machine"):
    """The build of llama.cpp and what it found on this machine."""

    binding: str
    """Version of llama-cpp-python."""
    system: str
    """Backends and CPU features, in llama.cpp's words."""
    offload: bool
    """True if layers can go to a GPU."""
    cores: int
    """CPU cores that this process may use."""
    devices: tuple[Device, ...] = ()
