"""Memory that a loaded model really takes. A process of its own loads it, reads a full batch and says how much it grew.

Measured is the growth of VmRSS: the weights' pages in the file cache (all touched, as every token needs them all), the
KV cache (llama.cpp writes zeros all over it as it opens the context), the part of the compute buffer that was written
to, and the tokenizer's tables.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.depth import QUICK
from tui.knobs.table import Knobs
from tui.models.memory import estimate
from tui.models.preflight import check_model

GROW = """
import sys
from pathlib import Path
from tui.engine.backend import BatchRow
from tui.engine.llama import model
from tests.depth import QUICK
from tui.knobs.table import Knobs

def resident():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024

before = resident()
llama = model.Llama(sys.argv[1], Knobs(num_ctx=int(sys.argv[2]), flash_attention=sys.argv[3]))
last = llama.batch - 1
# Without flash attention the scores grow with what is read: the context is filled.
for start in range(0, llama.batch if sys.argv[3] == "on" else llama.context, llama.batch):
    batch = range(llama.batch)
    llama.decode([BatchRow(token=100 + i, position=start + i, sequence=0, logits=i == last) for i in batch])
print(resident() - before)
"""


CASES = [(1024, "on"), (8192, "on"), (1024, "off"), (4096, "on"), (2048, "off"), (4096, "off")]


@pytest.mark.model
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.xdist_group("memory")
@pytest.mark.parametrize(("context", "flash"), CASES[:3] if QUICK else CASES)
def test_the_estimate_is_near_what_the_process_grows_by(starter: Path, context: int, flash: str) -> None:
    program = [sys.executable, "-c", GROW, str(starter), str(context), flash]
    grown = int(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    knobs = Knobs(num_ctx=context, flash_attention=flash)
    assert estimate(check_model(starter), knobs).total == pytest.approx(grown, rel=0.15)
