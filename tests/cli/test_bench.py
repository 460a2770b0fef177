"""`twiddle bench` measures everything it says; what the figures are is nobody's business here."""

import json

import pytest

from tests.cli.conftest import Command


@pytest.mark.model
def test_every_measure_is_made(twiddle: Command) -> None:
    done = twiddle("bench", "--quick", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert {"system", "cores", "load_before", "load_after"} <= set(report["machine"])
    measured = {(each["model"], each["name"]) for each in report["results"]}
    assert len(measured) == len(report["results"]) == 22
    for result in report["results"]:
        assert result["min"] <= result["median"] <= result["max"]
        assert all(value > 0 for value in result["rounds"])
        assert (result["met"] is None) == (result["target"] is None)
    (regenerated,) = [each for each in report["results"] if each["name"].startswith("regenerate")]
    assert regenerated["median"] == 1
