"""A model by its name, wherever it lies."""

from pathlib import Path

import pytest

from tui.errors import ModelError
from tui.models.reference import reference_for


def test_a_name_may_be_a_file_or_one_of_ollamas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(reference: str, folder: Path | None = None) -> Path:
        if reference not in ("mine", "ollama:llama3.2"):
            raise ModelError("no")
        return tmp_path

    monkeypatch.setattr("tui.models.reference.find_model", find)
    assert reference_for("mine") == "mine"
    assert reference_for("llama3.2") == "ollama:llama3.2"
    with pytest.raises(ModelError, match="There is no model 'llama4' on this machine."):
        reference_for("llama4")
