import pytest

from tests.engine.bench import Bench
from tests.engine.scripted import Script


@pytest.fixture
def bench() -> Bench:
    return Bench(Script())
