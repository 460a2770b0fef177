"""What docs/reliability.md promises is tested: every fault that it names is named by a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ID = re.compile(r"(?<![A-Za-z0-9])([TGCDPF])(\d\d)(?: to \1(\d\d))?(?![0-9])")


def faults(text: str) -> set[str]:
    """The ids in a text; `T01 to T13` are thirteen."""
    return {
        f"{kind}{number:02}"
        for kind, first, last in _ID.findall(text)
        for number in range(int(first), int(last or first) + 1)
    }


def documented() -> Iterator[str]:
    """The rows of the tables: what stands between them says also what is not tested."""
    for line in (ROOT / "docs/reliability.md").read_text().splitlines():
        if line.startswith("|"):
            yield line


def named() -> Iterator[str]:
    """What tests are called, and what they and their files say they are for."""
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name.replace("_", " ").upper().replace(" TO ", " to ")


def test_every_fault_that_the_document_names_is_named_by_a_test() -> None:
    tested = set().union(*map(faults, named()))
    assert set().union(*map(faults, documented())) - tested == set()
