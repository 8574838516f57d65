"""
Schemes: what can be awarded, and by which rule. A scheme is data that an organiser puts.

Start with `rules.py`. `put.py` takes a scheme from an organiser. `store.py` keeps the rule of a
scheme that has awards as it is.
"""
