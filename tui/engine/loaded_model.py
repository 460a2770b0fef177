"""Description of a loaded model, for the person and for the rooms above the engine."""

from msgspec import Struct


class ModelInfo(Struct, frozen=True):
    """Description of the loaded model. Texts come from the file: filter them before a terminal sees them."""

    path: str
    name: str
    description: str
    """Architecture, size and quantization, as llama.cpp describes them."""
    vocabulary: int
    context: int
    """The context in use, in tokens."""
    trained_context: int
    template: bool = True
    """False when the file carries no chat template that can be used; messages are then joined plainly."""
    base: bool = False
    """True if the file says that the model was trained to go on with texts, and not to answer."""
    notice: str = ""
    """Notices about this model for the person, in sentences."""
    threads: int = 0
    """CPU threads while a reply is written."""
    batch_threads: int = 0
    """CPU threads while a prompt is read, or several replies are written."""
    layers: int = 0
    """Layers there are, the output as one of them, as llama.cpp counts; 0 while unknown."""
    gpu_layers: int = 0
    """Number of layers on GPUs."""
    devices: tuple[str, ...] = ()
    """Names of the devices that hold layers."""
    flash_attention: bool = False
    """True if flash attention is in use, whatever was asked for."""
    cache_types: tuple[str, str] = ("f16", "f16")
    """Types of the keys and values in the KV cache."""
    thought: tuple[str, str] | None = None
    """Opening and closing thinking tag of its template; None if it knows none."""
    think_switch: bool = False
    """True if its template has a switch for thinking."""

    @property
    def placement(self) -> str:
        """Device of the layers: `cpu` or `gpu 31/31`; empty while unknown."""
        if not self.layers:
            return ""
        return f"gpu {self.gpu_layers}/{self.layers}" if self.gpu_layers else "cpu"
