"""
Schemes: kinds of awards with their rules. A scheme is data that an organiser puts.

Start with `rules.py`. `put.py` takes a scheme from an organiser. `store.py` does not change the rule of a
scheme that has awards.
"""
