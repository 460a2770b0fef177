"""llama.cpp: the only room that imports llama_cpp. The binding is pinned: its C signatures change between releases."""

from tui.engine.llama.devices import machine
from tui.engine.llama.model import Llama
from tui.engine.llama.samplers import make_stage

__all__ = ["Llama", "machine", "make_stage"]
