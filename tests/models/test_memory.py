"""Memory told from the header, and what follows from it."""

from pathlib import Path

import pytest

from tests.gguf import array, number, write
from tui.engine.protocol import Load
from tui.errors import ModelError
from tui.knobs.load_knobs import attention_mode
from tui.knobs.table import Knobs
from tui.models.free_memory import FreeMemory, measure_memory, with_gpu
from tui.models.memory import (
    SEQUENCES,
    MemoryEstimate,
    estimate,
    refuse_beside,
    refuse_if_too_large,
    show_size,
    verdict,
    weights_as,
)
from tui.models.preflight import check_model

GB = 10**9
LLAMA_8B = (
    ("llama.block_count", number(32)),
    ("llama.context_length", number(131_072)),
    ("llama.embedding_length", number(4096)),
    ("llama.attention.head_count", number(32)),
    ("llama.attention.head_count_kv", number(8)),
)


def memory(tmp_path: Path, *pairs: tuple[str, bytes], knobs: Knobs | None = None) -> MemoryEstimate:
    return estimate(check_model(write(tmp_path / "a.gguf", *pairs)), knobs or Knobs())


def test_the_cache_is_two_rows_a_layer_a_token(tmp_path: Path) -> None:
    # 8192 tokens x 32 layers x 8 heads x 128 numbers x 2 (keys and values) x 2 bytes: 1 GiB, as llama.cpp says too.
    taken = memory(tmp_path, *LLAMA_8B)
    assert (taken.context, taken.cache) == (8192, 2**30)


@pytest.mark.parametrize(
    ("knobs", "share"),
    [
        (Knobs(num_ctx=4096), 1 / 2),
        (Knobs(num_ctx=4000), 1 / 2),  # llama.cpp rounds up to multiples of 256
        (Knobs(num_ctx=32_768), 4),
        (Knobs(cache_type_k="f32", cache_type_v="f32"), 2),
        (Knobs(cache_type_k="q8_0"), (34 / 64 + 1) / 2),
        (Knobs(cache_type_k="q4_0", cache_type_v="q4_0"), 18 / 64),
    ],
)
def test_the_cache_follows_the_knobs(tmp_path: Path, knobs: Knobs, share: float) -> None:
    assert memory(tmp_path, *LLAMA_8B, knobs=knobs).cache == pytest.approx(share * 2**30)


def test_layers_may_differ(tmp_path: Path) -> None:
    some = array([8, 0] * 16, "I")
    assert memory(tmp_path, *LLAMA_8B, ("llama.attention.head_count_kv", some)).cache == 2**29
    every_fourth = memory(tmp_path, *LLAMA_8B, ("llama.full_attention_interval", number(4)))
    assert every_fourth.cache == 2**28
    wide = memory(tmp_path, *LLAMA_8B, ("llama.attention.key_length", number(256)))
    assert wide.cache == 3 * 2**29
    latent = memory(tmp_path, *LLAMA_8B, ("llama.attention.key_length_mla", number(192)))
    assert latent.cache == 2**29


def test_recurrent_layers_have_a_state_for_each_sequence(tmp_path: Path) -> None:
    mamba = [("llama.ssm.conv_kernel", 4), ("llama.ssm.inner_size", 5120), ("llama.ssm.state_size", 16)]
    without_heads = ("llama.attention.head_count_kv", array([0] * 32, "I"))
    taken = memory(tmp_path, *LLAMA_8B, without_heads, *((key, number(value)) for key, value in mamba))
    assert taken.cache == SEQUENCES * 32 * 4 * (3 * 5120 + 16 * 5120)


def test_scores_are_written_down_without_flash_attention(tmp_path: Path) -> None:
    spared = memory(tmp_path, *LLAMA_8B, knobs=Knobs(flash_attention="on"))
    written = memory(tmp_path, *LLAMA_8B, knobs=Knobs(flash_attention="off"))
    assert written.compute - spared.compute == (4 + 2) * 512 * 8192 * 32 + 2 * 512 * 8192


def test_what_auto_comes_to_on_a_cpu_is_reckoned_with(tmp_path: Path) -> None:
    off = Knobs(flash_attention="off")
    assert memory(tmp_path, *LLAMA_8B, knobs=Knobs()).compute == memory(tmp_path, *LLAMA_8B, knobs=off).compute
    in_blocks = Knobs(cache_type_v="q8_0")
    assert attention_mode(in_blocks, gpu=False) == "auto" and attention_mode(Knobs(), gpu=True) == "auto"
    assert attention_mode(Knobs(), gpu=False) == attention_mode(Knobs(num_ctx=16_384), gpu=False) == "off"
    assert attention_mode(Knobs(num_ctx=32_768), gpu=False) == "auto"


def test_weights_at_other_precisions(tmp_path: Path) -> None:
    header = check_model(write(tmp_path / "a.gguf"))
    assert weights_as(header, "f32") == header.weights == 320
    assert weights_as(header, "bf16") == 160
    assert weights_as(header, "q8_0") == 85


def test_verdicts() -> None:
    taken = MemoryEstimate(weights=8 * GB, cache=2 * GB, compute=GB // 2, reserved=GB // 2, context=8192, layers=40)
    for room, place, layers, says in (
        (FreeMemory(64 * GB, 32 * GB, 24 * GB), "gpu", 40, "fits in the GPU: 11.0 GB of 24.0 GB"),
        (FreeMemory(64 * GB, 32 * GB, 6 * GB), "split", 20, "the GPU takes 20 of 40 layers (num_gpu 20)"),
        (FreeMemory(64 * GB, 32 * GB, GB), "cpu", 0, "CPU only: 10.5 GB of the 32.0 GB that are free"),
        (FreeMemory(64 * GB, 32 * GB), "cpu", 0, "CPU only"),
        (FreeMemory(64 * GB, 6 * GB, 6 * GB), "split", 20, "20 of 40"),
        (
            FreeMemory(8 * GB, 6 * GB),
            "none",
            0,
            "it needs 10.5 GB, 6.0 GB are free; take a smaller quantization or a smaller",
        ),
        (FreeMemory(16 * GB, 9 * GB), "none", 0, "9.0 GB are free; turn num_ctx down to 2048, or take a smaller quant"),
    ):
        found = verdict(taken, room)
        assert (found.place, found.layers) == (place, layers)
        assert says in found.sentence


def test_g47_too_large_is_refused_with_numbers(tmp_path: Path) -> None:
    header = check_model(write(tmp_path / "a.gguf", *LLAMA_8B))
    large = Knobs(num_ctx=1_048_576)
    with pytest.raises(ModelError, match=r"it needs 139 GB, 10.0 GB are free; turn num_ctx down to \d+, or take a "):
        refuse_if_too_large(header, large, FreeMemory(16 * GB, 10 * GB))
    refuse_if_too_large(header, large, FreeMemory(256 * GB, 130 * GB))
    refuse_if_too_large(header, large, FreeMemory(256 * GB, 100 * GB, 30 * GB))
    refuse_if_too_large(header, large, None)


def test_models_that_do_not_fit_together_are_refused_with_numbers() -> None:
    def sized(name: str, weights: int) -> tuple[Load, MemoryEstimate]:
        return Load(f"/models/{name}.gguf", Knobs()), MemoryEstimate(weights, GB, GB, 0, 8192, 32)

    a, b = sized("a", 4 * GB), sized("b", 2 * GB)
    refuse_beside([a, b], [], FreeMemory(16 * GB, 10 * GB))
    with pytest.raises(ModelError, match=r"together: a.gguf needs 6.0 GB, b.gguf needs 4.0 GB, 8.0 GB are free"):
        refuse_beside([a, b], [], FreeMemory(16 * GB, 8 * GB))
    with pytest.raises(ModelError, match=r"beside what is loaded: b.gguf needs 4.0 GB, 3.0 GB are free"):
        refuse_beside([b], [a], FreeMemory(16 * GB, 7 * GB))
    loaded = Load(a[0].path, Knobs(use_mmap=0))
    refuse_beside([b], [(loaded, a[1])], FreeMemory(16 * GB, 7 * GB))
    refuse_beside([a, b], [], None)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (98_362_432, "98.4 MB"), (141_000_000, "141 MB"),
     (14.2e9, "14.2 GB"), (2e15, "2000 TB")],
)  # fmt: skip
def test_sizes_are_said_as_people_do(size: float, shown: str) -> None:
    assert show_size(size) == shown


# --- room -----------------------------------------------------------------------------------------------------------


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


MEMINFO = {"proc/meminfo": "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    9000 kB\n"}
V2 = {"memory.max": "4096000\n", "memory.current": "2048000\n", "memory.stat": "anon 1\ninactive_file 1024000\n"}
V1 = {
    "memory.limit_in_bytes": "4096000\n",
    "memory.usage_in_bytes": "2048000\n",
    "memory.stat": "cache 1\ntotal_inactive_file 1024000\n",
}


def under(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"sys/fs/cgroup/{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(
    ("files", "room"),
    [
        ({}, FreeMemory(16_384_000, 9_216_000)),
        ({"proc/self/cgroup": "0::/user/chat\n"} | under("user", V2), FreeMemory(4_096_000, 3_072_000)),
        ({"proc/self/cgroup": "0::/\n"} | under("", V2), FreeMemory(4_096_000, 3_072_000)),
        ({"proc/self/cgroup": "0::/hidden/by/the/namespace\n"} | under("", V2), FreeMemory(4_096_000, 3_072_000)),
        ({"proc/self/cgroup": "0::/a\n"} | under("a", V2 | {"memory.max": "max\n"}), FreeMemory(16_384_000, 9_216_000)),
        ({"proc/self/cgroup": "3:cpu:/a\n9:memory:/a\n"} | under("memory/a", V1), FreeMemory(4_096_000, 3_072_000)),
        (
            {"proc/self/cgroup": "9:memory:/a\n"}
            | under("memory/a", V1 | {"memory.limit_in_bytes": "9223372036854771712"}),
            FreeMemory(16_384_000, 9_216_000),
        ),
        ({"proc/self/cgroup": "0::/a\n"} | under("a", {"memory.max": "4096000\n"}), FreeMemory(16_384_000, 9_216_000)),
    ],
)
def test_room_is_what_the_system_and_the_container_allow(
    tmp_path: Path, files: dict[str, str], room: FreeMemory
) -> None:
    assert measure_memory(lay(tmp_path, MEMINFO | files)) == room


def test_this_machine_has_room() -> None:
    room = measure_memory()
    assert room is None or 0 < room.free <= room.total


def tool(folder: Path, name: str, says: str) -> Path:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path.parent


def test_room_on_a_mac_is_told_by_sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says = "printf '%s\\n' 17179869184 16384 1000 200 30 4"
    monkeypatch.setenv("PATH", str(tool(tmp_path, "sysctl", says)))
    assert measure_memory(tmp_path) == FreeMemory(17_179_869_184, 16384 * 1234)
    tool(tmp_path, "sysctl", "exit 1")
    assert measure_memory(tmp_path) is None


def test_room_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.models.free_memory.sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tool(tmp_path, "nvidia-smi", "printf '%s\\n' 512 8192")))
    assert with_gpu(FreeMemory(100, 50)) == FreeMemory(100, 50, 2**33)
    tool(tmp_path, "nvidia-smi", "echo no devices were found; exit 6")
    assert with_gpu(FreeMemory(100, 50)) == FreeMemory(100, 50)
    monkeypatch.setattr("tui.models.free_memory.sys.platform", "darwin")
    assert with_gpu(FreeMemory(100, 90)) == FreeMemory(100, 20, 70)
