"""
Counting: how many events of each topic there were, in all and in each minute. Every record counts once.

Start with `rules.py`: which records of a batch are new, and which minute an event belongs to.
"""
