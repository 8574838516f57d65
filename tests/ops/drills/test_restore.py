"""The drill of a restore, in small: after each loss everything that was promised is there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app


@pytest.mark.own_servers
def test_a_restore_ends_in_audits_that_agree(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["drill", "--people", "10", "--home", str(tmp_path / "week")])
    assert told.exit_code == 0, told.output
    assert told.output.count("0 missing, 0 duplicated, 0 wrong") == 3
