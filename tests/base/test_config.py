"""One Config, read once; a fault costs a sentence and no more."""

import pytest

from tui.config import SETTINGS, Config, config_path, read_config


def write(text: str | bytes) -> None:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_without_a_file_everything_is_at_its_default() -> None:
    assert read_config() == (Config(), ())


def test_typed_wins_over_the_environment_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write('theme = "paper"\npreset = "precise"')
    assert read_config().config == Config(theme="paper", preset="precise")
    monkeypatch.setenv("TWIDDLE_THEME", "ember")
    assert read_config(theme=None).config == Config(theme="ember", preset="precise")
    assert read_config(theme="ansi").config == Config(theme="ansi", preset="precise")


def test_history_is_kept_unless_the_file_says_otherwise() -> None:
    assert read_config().config.history
    write("history = false")
    assert read_config() == (Config(history=False), ())
    write("history = 'no'")
    assert read_config().faults == (f"{config_path()}: history is 'no'; write history = false.",)


@pytest.mark.parametrize("written", ['"chat.compare" = "f9"', 'chat.compare = "f9"', '[keys.chat]\ncompare = "f9"'])
def test_keys_are_named_with_or_without_quotes(written: str) -> None:
    write(f"[keys]\n{written}")
    assert read_config().config.keys == {"chat.compare": "f9"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("theem = 'paper'", "there is no setting 'theem'. Did you mean theme?; remove or rename it."),
        ("them = 3\ntheme = 3", 'theme is 3; write theme = "paper".'),
        ("keys = 'f9'", "keys is 'f9'; write keys = {"),
        ("[keys]\nchat.compare = 9", 'chat.compare in [keys] is 9; write "chat.compare" = "f9"'),
        ('"\\u001b]0;x" = 1', "there is no setting '\\x1b]0;x'"),
    ],
)
def test_a_fault_names_file_setting_and_remedy_and_costs_only_itself(line: str, said: str) -> None:
    write(f'preset = "precise"\n{line}')
    config, faults = read_config()
    assert config == Config(preset="precise")
    assert any(said in fault for fault in faults), faults
    assert all(fault.startswith(f"{config_path()}: ") for fault in faults)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_is_read_as_any_editor_saves_it(encoding: str) -> None:
    write('preset = "präzise"'.encode(encoding))
    assert read_config() == (Config(preset="präzise"), ())


@pytest.mark.parametrize("text", [b"theme = ", b"# caf\xe9"])
def test_a_file_that_cannot_be_read_costs_one_sentence(text: bytes) -> None:
    write(text)
    config, faults = read_config()
    assert (config, len(faults)) == (Config(), 1)


def test_a_folder_in_its_place_costs_one_sentence() -> None:
    config_path().mkdir(parents=True)
    assert len(read_config().faults) == 1


def test_every_setting_is_explained() -> None:
    assert SETTINGS.keys() == set(Config.__struct_fields__)
    assert all(entry.help.endswith(".") and entry.example for entry in SETTINGS.values())
