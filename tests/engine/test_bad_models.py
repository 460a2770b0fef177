"""Model files that are wrong where no header shows it, in a real engine: it may end, and says why."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.bench import GREEDY, reply
from tests.engine.ggufs import change, write_llama
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import Finished
from tui.errors import EngineError, ModelError
from tui.knobs.table import Knobs, turn

SHORT = turn(GREEDY, num_predict=3)


async def said(session: HeadlessEngine, path: Path) -> str:
    """What a model says after `User: Hi`."""
    await session.load(path, Knobs(num_ctx=64), lambda share: None)
    events = [event async for event in session.write(reply("a", SHORT))]
    assert isinstance(events[-1], Finished)
    return events[-1].text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("general.architecture", b"xxxxx"),
        ("tokenizer.ggml.model", b"xxxxx"),
        ("llama.attention.head_count", struct.pack("<I", 0)),
        ("llama.attention.head_count", struct.pack("<I", 3)),
        ("llama.attention.head_count", struct.pack("<I", 2**32 - 1)),
        ("llama.embedding_length", struct.pack("<I", 0)),
        ("llama.embedding_length", struct.pack("<I", 577)),
        ("llama.context_length", struct.pack("<I", 0)),
        ("llama.context_length", struct.pack("<I", 2**32 - 1)),
        ("llama.block_count", struct.pack("<I", 2**32 - 1)),
        ("llama.feed_forward_length", struct.pack("<I", 2**31)),
    ],
)
async def test_g35_g36_g38_g39_a_wrong_number_is_refused_in_a_sentence_or_does_no_harm(
    tmp_path: Path, key: str, value: bytes
) -> None:
    path = change(write_llama(tmp_path / "a.gguf", 8), key, value)
    good = write_llama(tmp_path / "good.gguf", 8)
    async with HeadlessEngine() as session:
        try:
            await said(session, path)
        except EngineError as death:
            assert "The engine is gone" in str(death)
        except ModelError as refusal:
            assert "\n" not in str(refusal) and len(str(refusal)) < 400
            assert await said(session, good), "it goes on with another"


async def test_g35_the_engines_own_reason_is_told(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "a.gguf", 8)
    path.write_bytes(path.read_bytes().replace(b"llama", b"xxxxx"))
    async with HeadlessEngine() as session:
        with pytest.raises(ModelError, match="unknown model architecture: 'xxxxx'"):
            await session.load(path, Knobs(), lambda share: None)


async def test_g37_a_model_that_is_lost_at_its_first_token_says_so(tmp_path: Path) -> None:
    nan = struct.pack("<f", float("nan"))
    path = change(write_llama(tmp_path / "a.gguf", 8), "llama.attention.layer_norm_rms_epsilon", nan)
    async with HeadlessEngine() as session:
        with pytest.raises(EngineError, match=r"^The engine is gone: llama.cpp gave up .*\(SIGABRT\)"):
            await said(session, path)


@pytest.mark.parametrize("name", ["a b.gguf", "🚢 żółw.gguf", "a\nb.gguf", "'\"$(x).gguf", "x" * 240 + ".gguf"])
async def test_g34_a_model_may_be_called_anything(tmp_path: Path, name: str) -> None:
    async with HeadlessEngine() as session:
        assert await said(session, write_llama(tmp_path / name, 8))


async def test_g52_a_model_cut_short_while_it_is_used_is_said_to_have_changed(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "a.gguf", 8)
    async with HeadlessEngine() as session:
        await session.load(path, Knobs(num_ctx=64), lambda share: None)
        os.truncate(path, 0)
        with pytest.raises(EngineError, match=r"the model file changed while it was in use \(SIGBUS\)"):
            [event async for event in session.write(reply("a", SHORT))]


@pytest.mark.parametrize("how", ["replaced", "removed"])
async def test_g52_a_model_replaced_or_removed_goes_on_as_it_was(tmp_path: Path, how: str) -> None:
    path = write_llama(tmp_path / "a.gguf", 8)
    async with HeadlessEngine() as session:
        before = await said(session, path)
        if how == "replaced":
            (tmp_path / "b").write_bytes(b"something else")
            (tmp_path / "b").replace(path)
        else:
            path.unlink()
        events = [event async for event in session.write(reply("b", SHORT))]
        assert isinstance(events[-1], Finished) and events[-1].text == before


LOADS = """
import os, sys
from pathlib import Path
from tui.engine.llama import Llama
from tui.knobs.table import Knobs

def grown():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE"), len(os.listdir("/proc/self/fd"))

sizes = []
for count in range(200):
    Llama(sys.argv[1], Knobs(num_ctx=64)).close()
    if count in (49, 199):
        sizes.append(grown())
(before, files), (after, more) = sizes
print(after - before, more - files)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_g54_two_hundred_loads_leave_nothing_behind(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "a.gguf", 8)
    done = subprocess.run([sys.executable, "-c", LOADS, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    memory, files = map(int, done.stdout.split())
    assert memory < 4 * 2**20 and files == 0
