"""
Divisions: the standings of an audience, a district or a group, and how they compare with each other.

Start at rules.py. compute.py makes the boards of all divisions of a quiz from its standings, in the
background, with counting.py; store.py keeps them; boards.py reads them, figures.py ranks divisions against
each other.
"""
