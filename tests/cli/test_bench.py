"""`twiddle bench` measures everything it says; what the figures are is nobody's business here."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tui.bench.result import Result, ratios
from tui.bench.synthetic import Shape, write_model


@pytest.mark.model
def test_every_measure_is_made(twiddle: Command) -> None:
    done = twiddle("bench", "--quick", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    machine = report["machine"]
    assert {"system", "cpu", "cores", "threads", "binding", "build", "load_before", "load_after"} == set(machine)
    assert machine["cpu"] and machine["binding"] == "0.3.36"
    measured = {(each["model"], each["name"]) for each in report["results"]}
    assert len(measured) == len(report["results"]) == 44
    for result in report["results"]:
        assert result["min"] <= result["median"] <= result["max"]
        assert all(value > 0 for value in result["rounds"])
        assert (result["met"] is None) == (result["target"] is None)
    (regenerated,) = [each for each in report["results"] if each["name"].startswith("regenerate")]
    assert regenerated["median"] == 1


def test_a_part_can_be_measured_alone(twiddle: Command) -> None:
    done = twiddle("bench", "--quick", "--only", "chain")
    assert done.code == 0, done.err
    rows = [line.split("\t") for line in done.out.splitlines() if "\t" in line]
    assert [row[0] for row in rows] == [f"chain and trace, {size} tokens" for size in (49152, 151936, 262144)]
    assert all(row[-1].removesuffix(" missed").startswith("<= ") for row in rows)


def test_a_part_that_does_not_exist_is_refused(twiddle: Command) -> None:
    done = twiddle("bench", "--only", "chian")
    assert done.code == 2
    assert "no part 'chian' to measure" in done.err and "chain" in done.err


def test_a_prompt_that_does_not_fit_ends_the_measure(
    twiddle: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "letters.gguf"
    write_model(path, Shape(vocabulary=320))
    monkeypatch.setattr("tui.bench.process.SENTENCE", "a" * 1000)
    done = twiddle("bench", "--quick", "--json", "--only", "process", "--model", str(path))
    assert done.code == 1
    (error,) = map(json.loads, done.out.splitlines())
    assert error["event"] == "error" and "tokens long and the context holds 8192" in error["message"]


def test_a_target_is_met_by_the_median_on_the_right_side() -> None:
    values = (1.0, 5.0, 2.0)
    for target, higher, met in ((2.0, True, True), (2.1, True, False), (2.0, False, True), (1.9, False, False)):
        assert Result("a", "b", "s", values, target, higher).met is met
    assert Result("a", "b", "s", values).met is None


def test_a_ratio_takes_either_side_first_in_turns() -> None:
    order: list[str] = []

    def figure(name: str, value: float) -> float:
        order.append(name)
        return value

    assert ratios(3, lambda: figure("above", 6.0), lambda: figure("below", 2.0)) == (3.0, 3.0, 3.0)
    assert order == ["below", "above", "above", "below", "below", "above"]
