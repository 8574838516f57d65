"""
Standings: each participant's best result in a quiz, and its rank.

Start at rules.py, which makes one number of a result, the order; the tie policy stands there. tally.py counts
standings so that ranks.py can tell a rank from counts. store.py keeps both, api.py shows them, and upkeep.py
releases what a freeze held.
"""
