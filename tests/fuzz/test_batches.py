"""Damaged batches end no process, hide no good batch, and vanish nowhere. `make fuzz` has the long form."""

from pathlib import Path

from tests.fuzz.batches import played_apart

INPUTS = 600


def test_damaged_batches_end_no_process_and_each_offset_is_accounted_for(tmp_path: Path) -> None:
    told = played_apart(INPUTS, 1, tmp_path)
    assert told.startswith(f"{INPUTS:,} batches: ")
