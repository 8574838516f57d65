"""The bench runs: one of its lines in small, as a process of its own, with its audit."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from ops.local.services import ROOT

SECONDS_MAX = 170.0


@pytest.mark.stack
async def test_a_line_in_small_runs_agrees_and_is_written_down(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    arguments = ("-m", "bench", "--short", "--out", str(out), "intake")
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
    (line,) = json.loads(out.read_text())["lines"]
    assert line["problems"] == []
    assert line["audit"]["agrees"]
    assert {run["variant"] for run in line["runs"]} == {"ours", "bare", "naive"}
    assert all(run["submissions/s"] > 0 for run in line["runs"])
