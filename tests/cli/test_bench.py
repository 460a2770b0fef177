"""`twiddle bench`: its shape, never its figures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.cli.conftest import Command
from tui.bench.lab import QUICK, Desk, Lab, Written, open_lab, reply
from tui.bench.measures import MEASURES, Measure, Sample
from tui.bench.report import take
from tui.bench.synthetic import TINY, write_model
from tui.chat import Message
from tui.engine.protocol import Prefill
from tui.errors import EngineError


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.gguf", TINY)


@pytest.fixture
def lab(tiny: Path) -> Iterator[Lab]:
    with open_lab(tiny, QUICK) as lab:
        yield lab


def test_every_measure_is_in_the_report(twiddle: Command, tiny: Path) -> None:
    outcome = twiddle("bench", "--quick", "--json", "--model", str(tiny))
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert report.keys() == {"place", "load_before", "load_after", "seconds", "figures"}
    place = report["place"]
    assert place["cores"] >= 1 and place["cpu"] and place["build"] and place["binding"] == "0.3.36"
    assert [figure["name"] for figure in report["figures"]] == [measure.name for measure in MEASURES]
    for figure in report["figures"]:
        assert figure["low"] <= figure["median"] <= figure["high"]
        assert (figure["met"] is None) == (figure["target"] is None)
        assert (figure["over"] is None) == ("/" not in figure["says"])
        if figure["over"] is not None:
            assert figure["median"] == pytest.approx(figure["over"] / figure["under"])
    (again,) = [figure for figure in report["figures"] if figure["name"] == "again"]
    assert again["median"] == 1


def test_only_some_can_be_taken_and_what_misses_is_said(
    twiddle: Command, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = [each._replace(target=0.0) if each.name == "protocol" else each for each in MEASURES]
    monkeypatch.setattr("tui.cli.bench.MEASURES", strict)
    outcome = twiddle("bench", "--quick", "--model", str(tiny), "--only", "protocol", "--only", "again")
    rows = [line.split("\t") for line in outcome.out.splitlines() if "\t" in line]
    assert [(row[0], row[-2]) for row in rows] == [("again", "met"), ("protocol", "missed")]
    assert outcome.out.splitlines()[-1] == "missed: protocol"
    assert outcome.code == 0


def test_a_measure_that_does_not_exist_is_refused(twiddle: Command) -> None:
    outcome = twiddle("bench", "--only", "protocoll")
    assert outcome.code == 2
    assert "no measure 'protocoll'" in outcome.err and "protocol" in outcome.err.replace("protocoll", "")


def test_rounds_are_taken_in_turn_and_the_first_does_not_count(lab: Lab) -> None:
    taken: list[tuple[str, int]] = []

    def measure(name: str, better: str, target: float | None) -> Measure:
        def value(lab: Lab, round: int) -> Sample:
            taken.append((name, round))
            return Sample((100.0, 3.0, 1.0, 2.0)[round])

        return Measure(name, name, "s", "higher" if better == "higher" else "lower", target, value)

    lab.scale = replace(QUICK, rounds=3)
    measures = [measure("a", "higher", 2.0), measure("b", "lower", 1.9), measure("c", "lower", None)]
    report = take(lab, measures, lambda what: None)
    assert taken == [(name, round) for round in range(4) for name in "abc"]
    for figure, met in zip(report.figures, (True, False, None), strict=True):
        assert (figure.median, figure.low, figure.high, figure.met) == (2.0, 1.0, 3.0, met)
    assert [figure.name for figure in report.missed] == ["b"]


def test_a_rate_counts_from_where_it_is_told_to(lab: Lab) -> None:
    written = Desk(lab.model).write(reply(5, seed=1), reply(5, seed=2, temperature=3.0))
    # A second passes between any two events.
    written.events = [(float(second), event) for second, (_, event) in enumerate(written.events)]
    place = [event for _, event in written.events]
    prefilled = max(i for i, event in enumerate(place) if isinstance(event, Prefill))
    assert written.rate() == pytest.approx(10 / (len(place) - 1 - prefilled))
    second = max(place.index(token) for token in written.tokens if token.index == 1)
    assert written.rate(after=1) == pytest.approx(6 / (len(place) - 1 - second))


def test_replies_part_where_no_two_agree(lab: Lab) -> None:
    written = Written()
    done = Desk(lab.model).write(reply(4)).finished[0]
    for tokens in ((5, 6, 7, 8), (5, 6, 9, 9), (4, 6, 7, 8)):
        written.take(replace(done, tokens=tokens))
    assert written.parted == 2
    written.take(replace(done, tokens=(5, 6, 7, 8)))
    with pytest.raises(EngineError, match="agree to their end"):
        _ = written.parted


def test_a_reply_that_fails_ends_the_measure(lab: Lab) -> None:
    with pytest.raises(EngineError, match="tokens long and the context holds"):
        Desk(lab.model).write(reply(4, Message("user", "a b " * 3000)))
