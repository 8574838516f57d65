"""Modules have at most 350 lines and functions at most 60, or their docstring says why not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULE_LINES_MAX, FUNCTION_LINES_MAX = 350, 60


@pytest.mark.parametrize("folder", ["shared", "services", "ops"])
def test_no_module_and_no_function_is_long_without_a_reason(folder: str) -> None:
    modules = {path: path.read_text() for path in sorted((ROOT / folder).rglob("*.py"))}
    assert modules
    assert [f"{path}: {one}" for path, source in modules.items() for one in too_long(source)] == []


def test_a_reason_is_a_docstring_that_speaks_of_lines() -> None:
    long = "x = 1\n" * (MODULE_LINES_MAX + 1)
    function = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
    assert list(too_long(long)) == ["module"]
    assert list(too_long('"""Many lines: they are one list."""\n' + long)) == []
    assert list(too_long(function)) == ["f"]
    assert list(too_long(function.replace("x = 1", '"""Many lines."""', 1))) == []


def too_long(source: str) -> Iterator[str]:
    """What is too long in this source and gives no reason."""
    tree = ast.parse(source)
    if len(source.splitlines()) > MODULE_LINES_MAX and not _has_reason(tree):
        yield "module"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX and not _has_reason(node):
                yield node.name


def _has_reason(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return "lines" in (ast.get_docstring(node) or "")
