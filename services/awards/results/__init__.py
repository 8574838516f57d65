"""
Results and final standings of quizzes, remembered so that a scheme put late can still be applied.

Start with `rules.py`: what a result and a closing are. `upkeep.py` removes results that nobody
needs any more.
"""
