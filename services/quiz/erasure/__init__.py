"""
Erasure: the traces of an erased participant are removed from every quiz, in the background.

Start at sweep.py; rules.py says when a sweep is repeated. The room `participants` has the ids of erased
people.
"""
