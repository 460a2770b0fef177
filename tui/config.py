"""Settings of the program: one frozen Config, read once when twiddle starts.

A field of `Config` is a setting: its name, type and default, annotated with its help. The command line wins over the
environment (`TWIDDLE_THEME`), that over `config.toml` in the person's folder, and that over the default. A fault costs
one sentence and the setting it is in; the rest holds.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from msgspec import Struct, field

from tui.errors import did_you_mean
from tui.paths import config_dir, decode_text
from tui.terminal import safe_line

Fault = Callable[[str, str], None]
"""Receiver of a fault: what is wrong, and what to do."""


class SettingRow(Struct, frozen=True, kw_only=True):
    """A setting as documentation and checks need it."""

    help: str
    """One line."""
    example: str
    """A value as it is written in config.toml."""

    # Read from the annotated field, never written in a row.
    name: str = ""
    kind: type = str

    @property
    def variable(self) -> str:
        """Name of its environment variable; empty for a table or a switch, which have none."""
        return f"TWIDDLE_{self.name.upper()}" if self.kind is str else ""


class Config(Struct, frozen=True, kw_only=True):
    """Every setting with its value."""

    theme: Annotated[
        str,
        SettingRow(help="The colours; unset, the last ones picked, else what suits the terminal.", example='"paper"'),
    ] = ""
    model: Annotated[
        str,
        SettingRow(help="The model in use where nothing names one; unset, the starter.", example='"hf.co/USER/REPO"'),
    ] = ""
    preset: Annotated[
        str,
        SettingRow(
            help="The SETTING that a chat opens with: a preset, perhaps with knobs.", example='"precise,top_k=5"'
        ),
    ] = ""
    history: Annotated[
        bool,
        SettingRow(help="true stores every chat; false is --no-history for every chat.", example="false"),
    ] = True
    keys: Annotated[
        dict[str, str],
        SettingRow(help="Other keys for actions, by their names in docs/keys.md.", example='{"chat.compare" = "f9"}'),
    ] = field(default_factory=dict)


SETTINGS: dict[str, SettingRow] = {
    name: SettingRow(help=row.help, example=row.example, name=name, kind=getattr(kind, "__origin__", kind))
    for name, (kind, row) in (
        (name, get_args(hint)) for name, hint in get_type_hints(Config, include_extras=True).items()
    )
}
"""Every setting by name."""


class LoadedConfig(NamedTuple):
    """The settings, and a sentence for each fault on the way."""

    config: Config = Config()
    faults: tuple[str, ...] = ()


def config_path() -> Path:
    """Return the path of config.toml; the file need not exist."""
    return config_dir() / "config.toml"


def read_config(**typed: str | None) -> LoadedConfig:
    """Read every setting; `typed` holds those of the command line, None where it has none."""
    faults: list[str] = []
    values = dict(_from_file(config_path(), faults))
    for entry in SETTINGS.values():
        if value := typed.get(entry.name) or os.environ.get(entry.variable):
            values[entry.name] = value
    return LoadedConfig(Config(**values), tuple(faults))


def _from_file(path: Path, faults: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the settings of the file that can be used; `faults` gets a sentence for each of the others."""

    def fault(what: str, remedy: str) -> None:
        faults.append(safe_line(f"{path}: {what}; {remedy}."))

    for name, value in _parsed(path, fault).items():
        entry = SETTINGS.get(name)
        if entry is None:
            fault(f"there is no setting {name!r}.{did_you_mean(name, SETTINGS)}".rstrip("."), "remove or rename it")
        elif not isinstance(value, entry.kind):
            fault(f"{name} is {value!r}", f"write {name} = {entry.example}")
        elif isinstance(value, dict):
            yield name, dict(_flat(value, name, fault))
        else:
            yield name, value


def _parsed(path: Path, fault: Fault) -> Mapping[str, Any]:
    try:
        return tomllib.loads(decode_text(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except OSError as error:
        fault(f"it cannot be read ({error.strerror})", "check the file")
    except UnicodeDecodeError:
        fault("it is not text in UTF-8 or UTF-16", "save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        fault(f"it is not TOML ({error})", "correct that line")
    return {}


def _flat(table: Mapping[str, Any], where: str, fault: Fault, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield a table's texts by name; TOML reads `chat.compare = ...` without quotes as a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, where, fault, f"{above}{name}.")
        elif isinstance(value, str):
            yield f"{above}{name}", value
        else:
            fault(f"{above}{name} in [{where}] is {value!r}", f'write "{above}{name}" = "f9" or "f9,ctrl+k"')
