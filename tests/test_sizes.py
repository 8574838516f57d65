"""Modules have at most 350 lines and functions at most 60, or their docstring says why not."""

import ast
import re
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
    assert [f"{path}: {one}" for path, source in modules.items() for one in stale_reasons(source)] == []


def test_a_reason_is_a_docstring_that_says_how_many_lines() -> None:
    long = "x = 1\n" * (MODULE_LINES_MAX + 1)
    module_reason = f'"""It has more than {MODULE_LINES_MAX} lines: they are one list."""\n'
    function = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
    function_reason = f'"""It has more than {FUNCTION_LINES_MAX} lines: one list."""'
    assert list(too_long(long)) == ["module"]
    assert list(too_long('"""Many lines."""\n' + long)) == ["module"]
    assert list(too_long(module_reason + long)) == []
    assert list(too_long(function)) == ["f"]
    assert list(too_long(function.replace("x = 1", function_reason, 1))) == []


def test_a_reason_is_stale_when_what_it_excuses_is_short() -> None:
    reason = f'"""It has more than {MODULE_LINES_MAX} lines: they are one list."""\n'
    assert list(stale_reasons(reason + "x = 1\n" * MODULE_LINES_MAX)) == []
    assert list(stale_reasons(reason + "x = 1\n")) == ["module"]
    reason = f'"""It has more than {FUNCTION_LINES_MAX} lines."""'
    assert list(stale_reasons(f"def f():\n    {reason}\n")) == ["f"]


def too_long(source: str) -> Iterator[str]:
    """What is too long in this source and gives no reason."""
    return (name for name, is_long, has_reason in _judged(source) if is_long and not has_reason)


def stale_reasons(source: str) -> Iterator[str]:
    """What gives a reason for being long in this source, and is not long."""
    return (name for name, is_long, has_reason in _judged(source) if has_reason and not is_long)


def _judged(source: str) -> Iterator[tuple[str, bool, bool]]:
    """The module and each function: its name, whether it is long, and whether its docstring says why."""
    tree = ast.parse(source)
    yield "module", len(source.splitlines()) > MODULE_LINES_MAX, _has_reason(tree, MODULE_LINES_MAX)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield node.name, lines > FUNCTION_LINES_MAX, _has_reason(node, FUNCTION_LINES_MAX)


def _has_reason(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef, lines_max: int) -> bool:
    docstring = " ".join((ast.get_docstring(node) or "").split())
    return re.search(rf"more than {lines_max} lines", docstring) is not None
