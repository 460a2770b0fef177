"""Two hundred replies leave the engine as large as fifty did, under a ceiling."""

import subprocess
import sys

import pytest

GROW = """
import resource
import sys
from pathlib import Path

from tests.engine.bench import reply
from tui.bench.synthetic import Shape, write_model
from tui.engine.llama import Llama
from tui.engine.protocol import Generate, Finished
from tui.engine.decode.scheduler import Scheduler
from tui.knobs.table import Knobs, turn

def resident():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024

path = Path(sys.argv[1])
write_model(path, Shape(vocabulary=4096))
model = Llama(str(path), Knobs(num_ctx=512))
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 256 * 2**20,) * 2)
finished = []
scheduler = Scheduler(model, lambda event: finished.append(event.id) if isinstance(event, Finished) else None)
sizes = []
for index in range(200):
    strategy = ("sample", "sample", "beam", "contrastive")[index % 4]
    knobs = turn(Knobs(), seed=index, num_predict=24, strategy=strategy, repeat_penalty=1.1, dry_multiplier=0.5)
    scheduler.generate(Generate((reply(str(index), knobs, f"question {index}"),)))
    while scheduler.busy:
        scheduler.step()
    if index in (49, 199):
        sizes.append(resident())
assert len(finished) == 200
print(*sizes)
"""


@pytest.mark.xdist_group("memory")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_g54_memory_stays_flat(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROW, f"{tmp_path}/model.gguf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    fifty, all_of_them = map(int, done.stdout.split())
    assert all_of_them - fifty < 8 * 2**20
