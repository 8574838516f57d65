"""
Results: the points of each graded attempt, stored for ever.

Start at rules.py; store.py writes results and the standings that follow from them in one transaction.
"""
