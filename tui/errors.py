"""The exception tree. Each message is one sentence for people: what, where, what to do.

    TwiddleError
    ├── KnobError       an unknown knob, a value that is not of its type or out of its range
    ├── SettingError    a SETTING that cannot be read
    ├── PresetError     a Modelfile that cannot be read, or a preset that does not exist
    ├── ModelError      a model file that is missing or is not one
    ├── AttachmentError a file that cannot go along with a question
    ├── EditorError     the person's editor, that cannot be started or failed
    ├── PictureError    a picture that cannot be put into a file
    ├── EngineError     the engine refused a request or is gone
    └── StoreError      the history cannot be read or written

Every one is turned into words once, at the two doors: the command line and the chat screen.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TwiddleError(Exception):
    """Something a person can act on; `str(error)` is the sentence to show."""


class KnobError(TwiddleError):
    """An unknown knob, or a value that it cannot take."""


class SettingError(TwiddleError):
    """A SETTING (`PRESET,knob=value,...`) that cannot be read."""


class PresetError(TwiddleError):
    """A preset that does not exist, or whose Modelfile cannot be read."""


class ModelError(TwiddleError):
    """A model file that is missing, is not a GGUF, or cannot be loaded."""


class AttachmentError(TwiddleError):
    """A file that cannot go along with a question."""


class EditorError(TwiddleError):
    """The person's own editor cannot be started, or failed."""


class PictureError(TwiddleError):
    """A picture cannot be put into a file."""


class EngineError(TwiddleError):
    """The engine refused a request or is gone."""


class StoreError(TwiddleError):
    """The history cannot be read or written, or does not hold what was asked for."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint such as ` Did you mean top_p?`, or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
