"""
Results: what each graded attempt reached, kept for good.

Start at rules.py; store.py writes results and the standings that follow from them in one transaction.
"""
