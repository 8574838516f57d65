"""
Results and final standings of quizzes, stored so that a late scheme can still be applied.

Start with `rules.py`: what a result and a closing are. `upkeep.py` removes results that nobody
needs any more.
"""
