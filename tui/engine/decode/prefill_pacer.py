"""Size of a prefill slice: chosen so that running replies do not wait long for their next token."""

RESPONSIVE = 0.25
"""Seconds that a slice of a prompt may take while nothing is being written: how often progress is shown."""

SLICE = 64
"""Prompt tokens in each step of a reproducible reply, which may not depend on time. The next prompt reuses whole ones,
so they are small; were they smaller, llama.cpp's flash attention on a CPU would take them one by one."""


class PrefillPacer:
    """Pacer that learns from the duration of decodes."""

    def __init__(self) -> None:
        self._token = 0.002
        self._step = 0.02

    def record(self, writing: int, reading: int, seconds: float) -> None:
        """Learn from the duration of a decode of `writing` reply tokens and `reading` prompt tokens."""
        if reading:
            spent = max(seconds - (self._step if writing else 0.0), 1e-5)
            self._token += 0.3 * (spent / reading - self._token)
        else:
            self._step += 0.3 * (seconds - self._step)

    def slice(self, writing: int, most: int) -> int:
        """Prompt tokens for the next step: what makes it last no more than two steps of the replies being written."""
        budget = self._step if writing else RESPONSIVE
        return max(1, min(int(budget / self._token), most))
