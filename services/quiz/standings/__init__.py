"""
Standings: each participant's result that counts in a quiz, and its rank.

Start at rules.py, which makes one number (the order) from a result; the tie policy is there. tally.py counts
standings, and ranks.py computes ranks from the counts. store.py stores both, api.py shows them, by the
pseudonyms of aliases.py, and export.py makes the file of all. upkeep.py releases the results that a freeze
held back.
"""
