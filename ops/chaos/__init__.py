"""
Checked chaos: a workload with a history, faults from a seed, and checks of what was acknowledged.

Start at `history.py` (what was asked, and what came of it), then `checks.py` (what must be true of it),
`faults.py` (what breaks) and `run.py` (one run). docs/decisions/0106-checked-chaos.md says why.
"""
