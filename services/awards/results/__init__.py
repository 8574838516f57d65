"""
Results and final standings of quizzes, stored so that a late scheme can still be applied.

Start with `rules.py`: what a result and a closing are, and what counts. `decisions.py` stores what
organisers have decided about participants, and `changes.py` whose awards have to be compared again.
`upkeep.py` removes results that nobody needs any more.
"""
