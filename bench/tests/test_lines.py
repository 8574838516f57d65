"""Every line runs once in small, in one run of the bench: nothing fails, and the audits agree."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bench.__main__ import LINES
from bench.report import ROOT

SECONDS_MAX = 300.0
# What stands beside ours, or instead of it, in the lines that compare.
VARIANTS = {
    "intake": {"ours", "bare", "naive"},
    "grading": {"ours", "minimal", "single", "quix"},
    "chain": {"ours", "bare parts"},
    "rank": {"ours", "counting", "ours, 200 stand"},
}
# Nothing is written in this line, so there is nothing to audit.
UNAUDITED = {"rank"}


async def test_every_line_runs_in_small(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    arguments = ("-m", "bench", "--short", "--out", str(out))
    bench = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(bench.communicate(), SECONDS_MAX)
    finally:
        if bench.returncode is None:
            bench.kill()
            await bench.wait()
    assert bench.returncode == 0, said.decode()
    lines: dict[str, Any] = {line["line"]: line for line in json.loads(out.read_text())["lines"]}
    assert list(lines) == list(LINES)
    for name, line in lines.items():
        assert line["problems"] == []
        assert name in UNAUDITED or line["audit"]["agrees"]
        variants = {run["variant"] for run in line["runs"]}
        assert variants
        assert variants == VARIANTS.get(name, variants)
