"""
Dead letters: find them, look at them, and decide what becomes of them.

`letters.py` reads them, `chosen.py` says which ones somebody means, `decide.py` carries out a decision.
"""
