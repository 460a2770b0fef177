import numpy as np

from tui.engine.backend import Backend
from tui.knobs import Knobs


class Constraint:
    def mask(self) -> np.ndarray: ...
    def accept(self, token: int) -> None: ...
    def copy(self) -> "Constraint": ...


class Grammars:
    def __init__(self, backend: Backend) -> None: ...
    def constraint(self, knobs: Knobs) -> Constraint | None:
        return None
