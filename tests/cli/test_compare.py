"""`twiddle compare -p`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.engine.scripted import Script

Play = Callable[..., None]


@pytest.mark.model
def test_equal_settings_never_part(twiddle: Command) -> None:
    code, out, _ = twiddle("compare", "num_predict=24", "num_predict=24", "-p", "Tell me a story.", "--json")
    compared = json.loads(out)
    left, right = compared["sides"]
    assert (code, compared["diverged_at"]) == (0, None)
    assert (left["tokens"], left["text"], left["seed"]) == (right["tokens"], right["text"], right["seed"])
    assert left["stats"]["generated_tokens"] == len(left["tokens"]) == 24


@pytest.mark.model
def test_settings_part_at_the_first_token_that_differs(twiddle: Command) -> None:
    sides = ("temperature=0.2,num_predict=40,seed=1", "temperature=1.4,num_predict=40")
    code, out, err = twiddle("compare", *sides, "-p", "The weather is", "--json")
    compared = json.loads(out)
    left, right = compared["sides"]
    index = compared["diverged_at"]
    assert (code, err, left["setting"], right["setting"], right["seed"]) == (0, "", *sides, 1)
    assert left["tokens"][:index] == right["tokens"][:index]
    assert left["tokens"][index] != right["tokens"][index]


def test_columns_mark_where_they_part(twiddle: Command, scripted: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    scripted(Script(replies=("one two",)))
    code, out, err = twiddle("compare", "temperature=0,seed=5", "temperature=0,num_predict=4", "-p", "Count")
    assert (code, err) == (0, "")
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "temperature=0,seed=5 temperature=0,num_predict=4" in rows
    assert "one ⑂two one ⑂" in rows
    assert out.count("seed 5 · ") == 2
    assert "⑂ They part at token 4." in rows


def test_text_in_columns_cannot_act_on_a_terminal(twiddle: Command, scripted: Play) -> None:
    scripted(Script(replies=("[/red] \x1b]0;mine\x07",)))
    code, out, _ = twiddle("compare", "temperature=0", "temperature=0", "-p", "Hi")
    assert (code, out.count("[/red] ␛]0;mine␇")) == (0, 2)
    assert "They agree to the last token." in out


def test_two_models_take_turns(twiddle: Command, scripted: Play, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"side-{name}.Modelfile").write_text(f"FROM {name}\nPARAMETER temperature 0\n")
    scripted(a=Script(replies=("same beginning",)), b=Script(replies=("same end",)))
    sides = [str(tmp_path / "side-a.Modelfile"), str(tmp_path / "side-b.Modelfile")]
    compared = json.loads(twiddle("compare", *sides, "-p", "Hi", "--json").out)
    assert [side["text"] for side in compared["sides"]] == ["same beginning", "same end"]
    assert compared["diverged_at"] == len("same ")


def test_the_death_of_the_engine_keeps_what_is_written(twiddle: Command, scripted: Play) -> None:
    scripted(Script(die_at=5))
    code, out, err = twiddle("compare", "temperature=0", "temperature=0", "-p", "Hi")
    assert (code, out.count("Hello"), out.count("not finished")) == (1, 2, 2)
    assert err.startswith("twiddle: The engine is gone") and err.count("\n") == 1
