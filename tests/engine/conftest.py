import pytest

from tests.engine.bench import Bench
from tui.engine.fake import Script


@pytest.fixture
def bench() -> Bench:
    return Bench(Script())
