"""Packages, versions and commit messages are as CONTRIBUTING.md says."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import tui

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and the source distribution, and return their folder."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_the_program_with_its_presets_and_themes(packages: Path) -> None:
    (wheel,) = packages.glob(f"twiddle-{tui.__version__}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names} == {"tui", f"twiddle-{tui.__version__}.dist-info"}
    for folder in ("Modelfiles", "themes"):
        assert {f"tui/share/{folder}/{path.name}" for path in (ROOT / folder).iterdir()} <= names
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tui").rglob("*.py")} <= names
    data = {path for path in (ROOT / "tui").rglob("*") if path.suffix in (".tcss", ".css", ".html", ".sql")}
    assert len(data) >= 6 and {path.relative_to(ROOT).as_posix() for path in data} <= names
    assert not [name for name in names if "test" in name or name.endswith((".lock", ".pyc"))]


def test_the_source_distribution_holds_what_builds_and_tests_it(packages: Path) -> None:
    (source,) = packages.glob(f"twiddle-{tui.__version__}.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE",
        "tui/__main__.py",
    }
    assert needed | {"tests/conftest.py", "docs/keys.md", "Modelfiles/precise.Modelfile", "themes/paper.toml"} <= names
    assert not [name for name in names if name.endswith((".lock", ".pyc", ".svg", ".raw"))]
    assert source.stat().st_size < 2_000_000


def test_there_is_one_version_and_the_changelog_has_it() -> None:
    assert "version" in PROJECT["dynamic"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[:2] == ["Unreleased", tui.__version__]


def test_the_workflow_runs_the_oldest_and_the_newest_python_that_are_named() -> None:
    named = [word.rpartition(" ")[2] for word in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", word)]
    assert PROJECT["requires-python"] == f">={named[0]}"
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert f'python: ["{named[0]}", "{named[-1]}"]' in workflow


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("Hold the order of the rooms\n\nFor this reason.\n", ""),
        ("Wipe the cache of a lost engine\n", ""),
        ("Read and/or write presets in models/ollama.py\n# a comment with /home/somebody\n", ""),
        ("wip: the store\n", "unfinished"),
        ("WIP2\n", "unfinished"),
        ("fixup! Hold the order\n", "unfinished"),
        ("x" * 73, "73 characters"),
        ("Move files\n\nFrom /home/somebody/twiddle to there.\n", "/home/somebody/twiddle"),
        ("Merge ~/twiddle/main\n", "one machine"),
        ("Move files\nand more\n", "empty line"),
        ("# only a comment\n", "no subject"),
    ],
)
def test_a_commit_message_is_refused_with_the_reason(message: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_text(message)
    done = subprocess.run([ROOT / ".ci/hooks/commit-msg", file], capture_output=True, text=True)
    assert (done.returncode == 1 and fault in done.stderr) if fault else (done.returncode, done.stderr) == (0, "")
