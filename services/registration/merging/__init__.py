"""
Merging: somebody who is two participants becomes one, on the word of an organiser.

`merge.py` erases the id that goes, at once. `move.py` gives its places and waits to the one who stays, in the
background (docs/decisions/0036-merging-doubles.md). Read `rules.py` first.
"""
