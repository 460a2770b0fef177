"""Exception tree. Each message is one sentence for people: what is wrong, where, and what to do.

    TwiddleError
    ├── Refusal         an action that is not possible now, such as undo with nothing to undo
    ├── KnobError       an unknown knob, a value that is not of its type or out of its range
    ├── SettingError    a SETTING that cannot be read
    ├── PresetError     a Modelfile that cannot be read, or a preset that does not exist
    ├── ModelError      a model file that is missing or is not one
    ├── AttachmentError a file that cannot be attached to a question
    ├── EditorError     an external editor that cannot be started, or that failed
    ├── PictureError    a picture that cannot be saved
    ├── EngineError     the engine refused a request or is gone
    │   └── TemplateRefusal  a chat template does not take these messages
    └── StoreError      the history cannot be read or written

They are shown in two places only: the command line and the chat screen.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TwiddleError(Exception):
    """Something a person can act on; `str(error)` is the sentence to show."""


class Refusal(TwiddleError):
    """An action that is not possible now: nothing to undo, one side only, a reply running."""


class KnobError(TwiddleError):
    """An unknown knob, or a value that it cannot take."""


class SettingError(TwiddleError):
    """A SETTING (`PRESET,knob=value,...`) that cannot be read."""


class PresetError(TwiddleError):
    """A preset that does not exist, or whose Modelfile cannot be read."""


class ModelError(TwiddleError):
    """A model file that is missing, is not a GGUF, or cannot be loaded."""


class AttachmentError(TwiddleError):
    """A file that cannot be attached to a question."""


class EditorError(TwiddleError):
    """An external editor that cannot be started, or that failed."""


class PictureError(TwiddleError):
    """A picture that cannot be saved."""


class EngineError(TwiddleError):
    """A request that the engine refused, or an engine that is gone."""


class TemplateRefusal(EngineError):
    """Messages that a chat template does not take in the form it was given them."""


class StoreError(TwiddleError):
    """A history that cannot be read or written, or that lacks the conversation asked for."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint such as ` Did you mean top_p?`, or an empty text where no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
