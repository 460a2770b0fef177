"""The rooms keep their doors, and everything stays small enough to read."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "tui").rglob("*.py"))
by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))

ELSEWHERE = ("tui.ui", "tui.cli", "tui.bench", "tui.soak", "tui.__main__", "tui.engine.")
"""The rooms where Textual, Rich or llama.cpp live, or may."""
AT_THE_DOOR = ("tui.engine.protocol", "tui.engine.hardware", "tui.engine.process.client", "tui.engine.process.pool")
"""The parts of the engine's room that the others import."""

WITHOUT_EFFECT = """
import sys
def watch(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "socket.connect", "sqlite3.connect"):
        raise AssertionError(f"importing starts {event} {arguments}")
    if event == "open":
        path = str(arguments[0])
        library = path.startswith((sys.prefix, sys.base_prefix, "/proc", "/sys", "/etc", "/dev", "/lib", "/usr"))
        if not library and not path.endswith((".py", ".pyc", ".so", ".pth")) and "__pycache__" not in path:
            raise AssertionError(f"importing reads {path}")
"""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [name_of(path) for path in FILES]
DOMAIN = [name for name in MODULES if not name.startswith(ELSEWHERE) or name in AT_THE_DOOR]


def in_a_fresh_interpreter(code: str, **environment: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_the_domain_needs_no_textual_rich_or_llama() -> None:
    in_a_fresh_interpreter(
        "import importlib, sys\n"
        f"for name in {DOMAIN!r}:\n"
        "    importlib.import_module(name)\n"
        "    found = {'textual', 'rich', 'llama_cpp'} & set(sys.modules)\n"
        "    assert not found, f'{name} imports {found}'\n"
    )


def test_importing_reads_nothing_and_starts_nothing(tmp_path: Path) -> None:
    modules = [name for name in MODULES if not name.endswith("__main__") and name != "tui.engine.llama"]
    in_a_fresh_interpreter(
        f"{WITHOUT_EFFECT}\nimport importlib\nsys.addaudithook(watch)\n"
        f"for name in {modules!r}:\n    importlib.import_module(name)\n",
        HOME=str(tmp_path / "nowhere"),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert not list(tmp_path.iterdir())


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (found for found in ast.walk(node) if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines without the docstring and the decorators."""
    assert function.end_lineno
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and first.end_lineno
    return function.end_lineno - function.lineno + 1 - (documented - first.lineno + 1 if documented else 0)


@by_file
def test_a_file_is_small(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= (120 if path == ROOT / "tui" / "ui" / "app.py" else 400)
    for function in functions(tree(path)):
        assert length(function) <= 40, f"{function.name} has {length(function)} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert len(methods) <= 25, f"{node.name} has {len(methods)} methods"


COLOUR = re.compile(r"""(?<![\w&"'])#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b""")
"""A hex colour, unless it is quoted inside a sentence as an example."""


@by_file
def test_looks_are_data_and_no_thread_touches_a_widget(path: Path) -> None:
    assert "call_from_thread" not in path.read_text()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not COLOUR.search(node.value), node.value
