"""References to models on the Hugging Face Hub, and the file of a repository they mean. Nothing here connects."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote

from msgspec import Struct

from tui.errors import ModelError, did_you_mean

_PREFIX = re.compile(r"(?i)(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/|hf:(?://)?")
_BARE = re.compile(r"[^/:]+/[^/:]+(?:(?<!modelfile)(?<!\.gguf)|:.*)", re.IGNORECASE)
_VIEWS = ("blob", "resolve", "raw", "tree")
"""Steps in the address of a repository's file or folder, each followed by a revision."""
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_FILE = re.compile(r"[A-Za-z0-9_+][\w+. ()\[\],=@-]*", re.ASCII)
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_PART = re.compile(r"(?i)-(\d{5})-of-(\d{5})\.gguf$")
_QUANTIZATION = re.compile(
    r"(?i)(?<![A-Za-z0-9])((?:UD-)?(?:I?Q\d\w*|TQ\d_\d|BF16|F16|F32|FP16|FP32|MXFP4\w*|NVFP4))(?=[-.]|$)"
)
_USUAL = ("Q4_K_M", "Q4_0", "Q4_K_S", "Q5_K_M", "Q8_0", "MXFP4")
"""Quantizations taken where a reference names none, the best first."""


class HubReference(Struct, frozen=True):
    """A repository on the Hub, and which of its files: a quantization, a file, or nothing for the usual one."""

    user: str
    repo: str
    tag: str = ""

    def __str__(self) -> str:
        return f"hf.co/{self.user}/{self.repo}{f':{self.tag}' if self.tag else ''}"


def parse_hub(reference: str) -> HubReference | None:
    """Parse `hf.co/USER/REPO[:QUANT]`, `hf:USER/REPO[:QUANT]`, or the address of a model page or one of its files.

    None for another kind of reference. Raises ModelError for names that the Hub does not allow.
    """
    prefix = _PREFIX.match(reference)
    if not prefix:
        return None
    address, _, query = reference[prefix.end() :].partition("#")[0].partition("?")
    place, _, tag = unquote(address).partition(":")
    user, repo, *steps = (*place.rstrip("/").split("/"), "")[: max(2, place.rstrip("/").count("/") + 1)]
    if steps and steps[0] in _VIEWS:
        if steps[1:2] not in ([], ["main"]):
            raise ModelError(f"{reference!r} is revision {steps[1]!r}; twiddle takes files of main only.")
        steps = steps[2:]
    elif steps and not steps[-1].lower().endswith(".gguf"):
        user = ""
    tag = tag.removesuffix("/") or "/".join(steps) or parse_qs(query).get("show_file_info", [""])[0]
    tag = "" if tag == "latest" else _PART.sub(r"-00001-of-\2.gguf", tag)
    named = all(_NAME.fullmatch(name) and ".." not in name and "--" not in name for name in (user, repo))
    if not named or (tag and not is_file_name(tag)):
        raise ModelError(f"{reference!r} is not written like hf.co/USER/REPO or hf.co/USER/REPO:Q4_K_M.")
    return HubReference(user, repo, tag)


def parse_bare(reference: str) -> HubReference | None:
    """Parse `USER/REPO[:QUANT]` as llama.cpp's -hf takes it, which may as well be a path or a model of Ollama's."""
    try:
        return parse_hub(f"hf.co/{reference}") if _BARE.fullmatch(reference) else None
    except ModelError:
        return None


def is_file_name(name: str) -> bool:
    """Return True if a path inside a repository is safe on the disk of any system: no way out, no device name."""
    steps = name.split("/")
    return len(name) <= 240 and all(
        _FILE.fullmatch(step) and not step.endswith((".", " ")) and not _DEVICE.fullmatch(step) for step in steps
    )


def quantization(name: str) -> str:
    """Return the quantization that a file name says, such as Q4_K_M; empty where it says none."""
    found = _QUANTIZATION.findall(PurePosixPath(name).name)
    return str(found[-1]).upper() if found else ""


def models_among(names: Iterable[str]) -> list[str]:
    """Return the GGUFs that are models, a split one by its first part."""
    return sorted(
        name
        for name in names
        if name.lower().endswith(".gguf")
        and not re.search(r"mmproj|imatrix", PurePosixPath(name).name, re.IGNORECASE)
        and ((part := _PART.search(name)) is None or int(part[1]) == 1)
    )


def parts_among(name: str, names: Iterable[str]) -> list[str]:
    """Return the files of a model, its first one included; raises ModelError when one is missing."""
    part = _PART.search(name)
    if not part:
        return [name]
    wanted = [f"{name[: part.start()]}-{place:05}-of-{part[2]}.gguf" for place in range(1, int(part[2]) + 1)]
    missing = set(wanted).difference(names)
    if missing:
        raise ModelError(f"The split model {name!r} lacks its part {min(missing)!r} where it is published.")
    return wanted


def choose_file(reference: HubReference, names: Iterable[str]) -> str:
    """Return the file that a reference means among those of its repository; raises ModelError with what there is."""
    models = models_among(names)
    if not models:
        raise ModelError(f"{reference} holds no GGUF; look for a repository whose name ends in -GGUF.")
    for tag in (reference.tag,) if reference.tag else _USUAL:
        # Of several with the same quantization, the plainest name.
        for name in sorted(models, key=len):
            if tag in (name, PurePosixPath(name).name) or tag.upper() == quantization(name):
                return name
    if len(models) == 1 and not reference.tag:
        return models[0]
    tags = sorted({quantization(name) or name for name in models})
    there = f"it has {', '.join(tags)}."
    if reference.tag:
        raise ModelError(f"{reference} is not there; {there}{did_you_mean(reference.tag.upper(), tags)}")
    raise ModelError(f"Several files are in {reference}; name one, as in {reference}:{tags[0]}; {there}")


def tag_for(name: str, names: Iterable[str]) -> str:
    """Return the tag by which `choose_file` finds this file: its quantization, or its name where another has that."""
    kind = quantization(name)
    same = [other for other in models_among(names) if quantization(other) == kind]
    return kind if kind and min(same, key=len, default=name) == name else name
