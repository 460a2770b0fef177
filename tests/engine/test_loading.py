"""What a model is loaded with: every option reaches llama.cpp, and what it cannot take is refused in a sentence."""

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import llama_cpp as C
import pytest
from llama_cpp._ggml import libggml

from tests.engine.bench import GREEDY, reply
from tests.engine.ggufs import write_llama, write_lora, write_mamba
from tui.conversation.trace import TokenTrace
from tui.engine.decode.scheduler import Scheduler
from tui.engine.hardware import Device
from tui.engine.llama import Llama, machine
from tui.engine.llama.options import CACHE_TYPES, check, devices_used, gpu_layers, model_params, share_cores
from tui.engine.loaded_model import ModelInfo
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import Event, Finished, Generate, Token
from tui.errors import KnobError, ModelError
from tui.knobs.load_knobs import CACHE_TYPES as NAMES
from tui.knobs.table import Knobs, turn

TWO = tuple(Device(f"CUDA{i}", "A card", "GPU", 2**30, 2**31) for i in range(2))
WARSAW = "The capital of Poland is Warsaw."


def knobs(**values: Any) -> Knobs:
    return turn(Knobs(num_ctx=512), **values)


@contextmanager
def loaded(path: Path, **values: Any) -> Iterator[Llama]:
    model = Llama(str(path), knobs(**values))
    try:
        yield model
    finally:
        model.close()


def answer(model: Llama) -> tuple[str, list[TokenTrace]]:
    """What it says to a question with one answer, and how every token was chosen."""
    events: list[Event] = []
    scheduler = Scheduler(model, events.append)
    scheduler.generate(Generate((reply("a", turn(GREEDY, num_predict=12), "What is the capital of Poland?"),)))
    while scheduler.busy:
        scheduler.step()
    (done,) = [event.text for event in events if isinstance(event, Finished)]
    return done, [event.trace for event in events if isinstance(event, Token)]


# --- the real model -------------------------------------------------------------------------------------------------


@pytest.mark.model
@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({}, {"flash_attention": False, "cache_types": ("f16", "f16"), "notice": ""}),
        ({"flash_attention": "on"}, {"flash_attention": True, "notice": ""}),
        ({"use_mmap": 0}, {}),
        ({"use_mlock": 1}, {}),
        ({"use_mmap": 0, "use_mlock": 1}, {}),
        ({"flash_attention": "off", "cache_type_v": "bf16"}, {"cache_types": ("f16", "bf16")}),
        (
            {"flash_attention": "on", "cache_type_k": "q8_0", "cache_type_v": "q8_0"},
            {"flash_attention": True, "cache_types": ("q8_0", "q8_0")},
        ),
        ({"cache_type_v": "q8_0"}, {"flash_attention": True}),
        ({"num_thread": 2}, {"threads": 2, "batch_threads": 2}),
        ({"num_batch": 8192}, {"context": 512}),
        ({"num_gpu": 0}, {"gpu_layers": 0, "devices": ("CPU",), "layers": 31, "placement": "cpu"}),
    ],
)
def test_every_option_loads_and_the_model_still_knows_its_capitals(
    starter: Path, values: dict[str, Any], seen: dict[str, Any]
) -> None:
    with loaded(starter, **values) as model:
        assert {name: getattr(model.info, name) for name in seen} == seen
        assert answer(model)[0] == WARSAW


@pytest.mark.model
def test_a_batch_is_no_larger_than_the_context(starter: Path) -> None:
    with loaded(starter, num_batch=8192) as model:
        assert model.batch == 512


@pytest.mark.model
def test_a_context_past_what_the_model_was_trained_on_says_so(starter: Path) -> None:
    with loaded(starter, num_ctx=8448) as model:
        assert "texts of up to 8192 tokens" in model.info.notice
    with loaded(starter, num_ctx=8192) as model:
        assert model.info.notice == ""


@pytest.mark.model
def test_layers_for_a_gpu_that_is_not_there_stay_on_the_cpu(starter: Path) -> None:
    if machine().offload:
        pytest.skip("there is a GPU")
    with loaded(starter, num_gpu=12) as model:
        assert "num_gpu: 12 has no effect" in model.info.notice
        assert (model.info.gpu_layers, model.info.placement) == (0, "cpu")


UNLOCKED = """
import ctypes, resource, sys
from tui.engine.llama import Llama
from tui.knobs.table import Knobs
libc = ctypes.CDLL(None)
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(header, sets) == 0
sets[0] &= ~(1 << 14)  # CAP_IPC_LOCK, which root has and which knows no limit
assert libc.capset(header, sets) == 0
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
print(Llama(sys.argv[1], Knobs(num_ctx=256, use_mlock=1)).info.notice)
"""


@pytest.mark.model
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_model_that_cannot_be_locked_is_loaded_and_says_so(starter: Path) -> None:
    done = subprocess.run([sys.executable, "-c", UNLOCKED, str(starter)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (
        0,
        "use_mlock: the system would not lock all of the model; raise its limit with `ulimit -l`.\n",
    )


def test_a_file_is_looked_at_whatever_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp's own answer is one line for every fault, and some end the process."""
    monkeypatch.setattr(C, "llama_supports_gpu_offload", lambda: True)
    path = tmp_path / "model.gguf"
    path.write_text("Dear diary,")
    with pytest.raises(ModelError, match="is not a GGUF but a text file"):
        Llama(str(path), Knobs())


# --- what the file says ---------------------------------------------------------------------------------------------


def test_a_recurrent_model_says_that_it_cannot_go_back(tmp_path: Path) -> None:
    path = write_mamba(tmp_path / "mamba.gguf")
    with loaded(path, num_ctx=0) as model:
        assert not model.cuttable
        assert model.info.notice.startswith("The memory of this model cannot be cut back")
        assert not model.info.flash_attention
    with loaded(path, num_ctx=0, flash_attention="on") as model:
        assert model.info.notice.endswith("flash_attention: this model does without; llama.cpp declined it.")


def test_a_recurrent_model_reads_a_prompt_right_after_it_was_broken_off(tmp_path: Path) -> None:
    path = write_mamba(tmp_path / "mamba.gguf")
    with loaded(path, num_batch=64) as model:
        whole = read_and_broken_off(model, at=-1)
    assert len(whole) == 4
    for at in (0, 10, 20, 30):
        with loaded(path, num_batch=64) as model:
            assert read_and_broken_off(model, at) == whole


def read_and_broken_off(model: Llama, at: int) -> list[float]:
    """The odds of the tokens after a prompt, whose second slice is broken off at a node of the graph."""
    scheduler = Scheduler(model, (events := list[Event]()).append)
    prompt = "How long is a piece of string? " * 6
    scheduler.generate(Generate((reply("a", turn(GREEDY, num_predict=4), prompt),)))
    scheduler.step()
    nodes = count()
    model._abort = C.ggml_abort_callback(lambda _: next(nodes) == at)
    scheduler.step()
    assert next(nodes) > at, "it was never asked so often"
    while scheduler.busy:
        scheduler.step()
    return [event.trace.p_raw for event in events if isinstance(event, Token)]


@pytest.mark.parametrize("flash", ["auto", "on", "off"])
def test_a_cache_in_blocks_needs_heads_that_fill_them(tmp_path: Path, flash: str) -> None:
    path = write_llama(tmp_path / "narrow.gguf", head=40)
    with pytest.raises(
        KnobError, match=r"^cache_type_k: q4_0 packs 32 numbers into a block.* heads have 40; write f16"
    ):
        Llama(str(path), knobs(cache_type_k="q4_0", flash_attention=flash))
    with loaded(write_llama(tmp_path / "wide.gguf", head=64), cache_type_k="q4_0", flash_attention=flash) as model:
        assert model.info.cache_types == ("q4_0", "f16")


def test_the_cache_types_are_ggmls() -> None:
    name = libggml.ggml_type_name
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.c_int]
    assert {name(number).decode(): number for number in CACHE_TYPES.values()} == CACHE_TYPES
    assert CACHE_TYPES.keys() == set(NAMES)


# --- adapters -------------------------------------------------------------------------------------------------------


@pytest.mark.model
def test_an_adapter_acts_as_strongly_as_its_scale_says(starter: Path, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "style.gguf")
    found = {}
    for entries in ((), (f"{path}:0",), (f"{path}",), (f"{path}:1",), (f"{path}:-0.5",), (f"{path}:0.5", f"{path}:0")):
        with loaded(starter, lora=entries) as model:
            found[tuple(entry.removeprefix(str(path)) for entry in entries)] = answer(model)
    none = found[()]
    assert found[(":0",)] == none
    assert found[("",)] == found[(":1",)]
    entropies = {scales: traces[0].entropy_raw for scales, (_, traces) in found.items()}
    assert len(set(entropies.values())) == 4  # none and 0; 1 and unsaid; -0.5; 0.5


def not_adapters(folder: Path) -> dict[str, str]:
    """Entries of `lora` that cannot be laid over the starter, and what is said of them."""
    (folder / "words.gguf").write_text("These are no weights.")
    os.mkfifo(folder / "pipe.gguf")
    write_lora(folder / "whole.gguf")
    (folder / "half.gguf").write_bytes((folder / "whole.gguf").read_bytes()[:-1000])
    return {
        "missing.gguf": "missing.gguf' cannot be read: No such file or directory.",
        "": "is a folder; write the path of a LoRA adapter converted to GGUF.",
        "words.gguf:0.5": "words.gguf' is not a GGUF file",
        "pipe.gguf": "pipe.gguf' is a pipe and not a plain file; write the path of a LoRA adapter",
        "half.gguf": "half.gguf' cannot be laid over this model: LoRA tensor .* not within the file bounds",
        "whole.gguf:101": "the scale 101 is out of range; it goes from -100 to 100.",
        str(write_llama(folder / "model.gguf", head=64)): "expect general.type to be 'adapter', but got",
        str(write_lora(folder / "other.gguf", architecture="gpt2")): "model arch and LoRA arch mismatch",
        str(write_lora(folder / "narrow.gguf", width=64)): "has incorrect shape",
    }


@pytest.mark.model
def test_g50_what_is_no_adapter_for_the_model_is_refused(starter: Path, tmp_path: Path) -> None:
    for entry, sentence in not_adapters(tmp_path).items():
        with pytest.raises((ModelError, KnobError), match=rf"^lora: .*{sentence}"):
            Llama(str(starter), knobs(lora=(str(tmp_path / entry),)))


# --- what is refused before llama.cpp sees it -----------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"num_thread": 9}, 0, "num_thread: 9 threads on 2 cores would wait for each other; write at most 8, or auto."),
    (
        {"cache_type_v": "q8_0", "flash_attention": "off"}, 0,
        "cache_type_v: q8_0 needs flash attention, and flash_attention is off; write flash_attention on, "
        "or cache_type_v f16.",
    ),
    ({"main_gpu": 1}, 0, "main_gpu: they count from 0 and there is no GPU, so 1 is none of them; write all."),
    ({"main_gpu": 1}, 1, "main_gpu: they count from 0 and there is one GPU, so 1 is none of them; write all."),
    ({"main_gpu": 2}, 2, "main_gpu: they count from 0 and there are 2 GPUs, so 2 is none of them; write all."),
    (
        {"tensor_split": ("1",)}, 0,
        "tensor_split: 1 shares are given, and there is no GPU; write one share a GPU, or none.",
    ),
    (
        {"tensor_split": ("1", "1", "1")}, 2,
        "tensor_split: 3 shares are given, and there are 2 GPUs; write one share a GPU, or none.",
    ),
    (
        {"tensor_split": ("0", "0.0")}, 2,
        "tensor_split: shares that add up to 0 divide nothing; write proportions such as 3 and 1.",
    ),
    (
        {"tensor_split": ("9" * 400,)}, 2,
        "tensor_split: shares that add up to inf divide nothing; write proportions such as 3 and 1.",
    ),
    (
        {"tensor_split": ("1", "3"), "main_gpu": 1}, 2,
        "tensor_split: main_gpu already puts every layer on one GPU; leave out one of the two.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "gpus", "sentence"), REFUSED)
def test_g48_g49_what_cannot_be_loaded_is_refused(values: dict[str, Any], gpus: int, sentence: str) -> None:
    with pytest.raises(KnobError, match=f"^{re.escape(sentence)}$"):
        check(knobs(**values), TWO[:gpus], cores=2)


@pytest.mark.parametrize(
    ("values", "gpus"),
    [
        ({"num_thread": 8}, 0), ({"main_gpu": 0}, 0), ({"main_gpu": 1}, 2), ({"tensor_split": ("1", "3")}, 2),
        ({"cache_type_v": "q8_0"}, 0), ({"cache_type_v": "bf16", "flash_attention": "off"}, 0), ({"num_gpu": 1000}, 0),
    ],
)  # fmt: skip
def test_what_can_be_loaded_is_not(values: dict[str, Any], gpus: int) -> None:
    check(knobs(**values), TWO[:gpus], cores=2)


@pytest.mark.model
async def test_the_engine_outlives_what_it_refuses(starter: Path, tmp_path: Path) -> None:
    refused = [values for values, gpus, _ in REFUSED if gpus == 0 and "num_thread" not in values]
    refused += [{"num_thread": 512}, *({"lora": (str(tmp_path / entry),)} for entry in not_adapters(tmp_path))]
    async with HeadlessEngine() as session:
        for values in refused:
            with pytest.raises(ModelError, match=r"^\w+: .*\.$"):
                await session.load(starter, knobs(**values), lambda share: None)
        good = knobs(num_predict=8, temperature=0.0, seed=1)
        info = await session.load(starter, good, lambda share: None)
        assert info.context == 512
        events = [event async for event in session.write(reply("a", good, "What is the capital of Poland?"))]
    assert isinstance(events[-1], Finished)
    assert events[-1].text == WARSAW


# --- GPUs, which this code is the same for --------------------------------------------------------------------------


def test_layers_go_where_the_knobs_say() -> None:
    default = model_params(knobs())
    assert (default.n_gpu_layers, default.split_mode) == (-1, C.LLAMA_SPLIT_MODE_LAYER)
    assert not default.tensor_split
    none = model_params(knobs(num_gpu=0))
    assert (none.n_gpu_layers, none.split_mode, none.main_gpu) == (0, C.LLAMA_SPLIT_MODE_NONE, -1)
    one = model_params(knobs(main_gpu=1))
    assert (one.n_gpu_layers, one.split_mode, one.main_gpu) == (-1, C.LLAMA_SPLIT_MODE_NONE, 1)
    shared = model_params(knobs(num_gpu=12, tensor_split=("1", "2.5")))
    assert (shared.n_gpu_layers, shared.split_mode) == (12, C.LLAMA_SPLIT_MODE_LAYER)
    assert shared.tensor_split[: C.llama_max_devices()] == [1.0, 2.5] + [0.0] * (C.llama_max_devices() - 2)


def test_the_file_is_read_as_the_knobs_say() -> None:
    modes = {(m, k): model_params(knobs(use_mmap=m, use_mlock=k)).load_mode for m in (0, 1) for k in (0, 1)}
    assert modes == {
        (0, 0): C.LLAMA_LOAD_MODE_NONE,
        (1, 0): C.LLAMA_LOAD_MODE_AUTO,
        (0, 1): C.LLAMA_LOAD_MODE_MLOCK,
        (1, 1): C.LLAMA_LOAD_MODE_MMAP_MLOCK,
    }


@pytest.mark.parametrize(
    ("values", "gpus", "where"),
    [
        ({}, 0, (0, ("CPU",))),
        ({}, 2, (31, ("CUDA0", "CUDA1"))),
        ({"num_gpu": 1000}, 1, (31, ("CUDA0",))),
        ({"num_gpu": 12}, 1, (12, ("CUDA0", "CPU"))),
        ({"num_gpu": 0}, 2, (0, ("CPU",))),
        ({"main_gpu": 1}, 2, (31, ("CUDA1",))),
        ({"main_gpu": 0}, 0, (0, ("CPU",))),
        ({"tensor_split": ("0", "1")}, 2, (31, ("CUDA1",))),
        ({"tensor_split": ("1",)}, 2, (31, ("CUDA0",))),
    ],
)
def test_it_is_known_where_the_layers_are(
    values: dict[str, Any], gpus: int, where: tuple[int, tuple[str, ...]]
) -> None:
    assert devices_used(knobs(**values), TWO[:gpus], layers=31) == where


def test_auto_is_every_layer() -> None:
    assert gpu_layers(knobs()) == -1


@pytest.mark.parametrize(
    ("asked", "cores", "threads"),
    [(0, 1, (1, 1)), (0, 2, (2, 2)), (0, 4, (3, 4)), (0, 8, (7, 8)), (3, 8, (3, 3)), (16, 8, (16, 16))],
)
def test_writing_leaves_a_core_where_there_are_more_than_two(asked: int, cores: int, threads: tuple[int, int]) -> None:
    assert share_cores(knobs(num_thread=asked), cores) == threads


def test_the_machine_is_described() -> None:
    found = machine()
    (cpu,) = [device for device in found.devices if device.kind == "CPU"]
    assert cpu.name == "CPU"
    assert 0 < cpu.free <= cpu.total
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.offload == any("GPU" in device.kind for device in found.devices)


@pytest.mark.parametrize(
    ("layers", "gpu_layers", "place"), [(0, 0, ""), (31, 0, "cpu"), (31, 12, "gpu 12/31"), (31, 31, "gpu 31/31")]
)
def test_the_place_of_the_layers_is_short(layers: int, gpu_layers: int, place: str) -> None:
    info = ModelInfo("", "", "", 0, 0, 0, layers=layers, gpu_layers=gpu_layers)
    assert info.placement == place
