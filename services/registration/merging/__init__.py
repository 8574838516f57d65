"""
Merging: somebody who is two participants becomes one, on the word of an organiser.

`merge.py` erases the id that goes, at once. In the background `move.py` gives its places and waits to the one
who stays, and `move_shifts.py` its shifts (docs/decisions/0036-merging-doubles.md). Read `rules.py` first.
"""
