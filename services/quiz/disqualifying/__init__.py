"""
Disqualifying: an organiser decides that results of a participant do not count in a quiz, or count again.

Start at decide.py; place.py puts the standing anew, and settle.py does so once more when no transaction lives
that does not know the decision. The room `disqualified` has the rules and what was decided.
"""
