"""A program that writes conversations until it is killed, and says what it was told is safe: one number a line.

`python -m tests.store.writer PATH SEED [COUNT]`
"""

import random
import sys
from pathlib import Path

from tests.store.pages import draft, written
from tui.conversation.conversation import Conversation, answer, ask
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store


def write(path: Path, seed: int, count: int) -> None:
    chance = random.Random(seed)
    store, page, said = Store(path, patience=60), SavedPosition(f"{seed}"), Conversation()
    for number in range(count):
        said = ask(said, f"question {seed}-{number}.")
        page = store.save(page, Snapshot(said))
        print(f"question {seed}-{number}.", flush=True)
        if chance.random() < 0.5:
            page = store.save(page, Snapshot(said, draft=draft(said, "half a rep")))
        said = answer(said, f"answer {seed}-{number}.", "stop", (1,), written(chance.randrange(50)))
        page = store.save(page, Snapshot(said))
        print(f"answer {seed}-{number}.", flush=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10**9)
