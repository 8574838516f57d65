"""
The lines that every change must keep running, once in small, in one run of the bench.

The others take longer: `make bench-short` runs them all.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench.report import ROOT
from ops.stack.scratch import in_memory

SECONDS_MAX = 300.0
# One for each kind: a consumer, bookings, people who take part from the start to the result by hot endpoints,
# and all awards of a quiz at once.
SMOKE = ("grading", "registration", "burst", "issuing")
QUICK_JAVA = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
# What stands beside ours, or instead of it, in the lines that compare.
VARIANTS = {
    "grading": {"ours", "minimal", "single", "quix"},
    "issuing": {"ours", "late", "bare"},
}


async def test_lines_run_in_small(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    arguments = ("-m", "bench", *SMOKE, "--short", "--out", str(out))
    # What is measured does not matter here: nothing waits for the disk, and Java compiles once.
    memory = in_memory()
    bench = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=os.environ | ({"TMPDIR": str(memory)} if memory else {}) | QUICK_JAVA,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(bench.communicate(), SECONDS_MAX)
    finally:
        if bench.returncode is None:
            bench.kill()
            await bench.wait()
    assert bench.returncode == 0, said.decode()
    lines: dict[str, Any] = {line["line"]: line for line in json.loads(out.read_text())["lines"]}
    assert list(lines) == list(SMOKE)
    for name, line in lines.items():
        assert line["problems"] == []
        assert line["audit"]["agrees"]
        variants = {run["variant"] for run in line["runs"]}
        assert variants
        assert variants == VARIANTS.get(name, variants)
