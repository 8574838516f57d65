"""
Participants: group and district of each, as registration's events tell, and who was erased.

Start at rules.py, then store.py. erased.py keeps the ids of the erased in memory for all other rooms.
"""
