"""
Participants: group and district of each, from registration's events, and the ids of erased people.

Start at rules.py, then store.py. erased.py keeps the ids of the erased in memory for all other rooms,
and off_roster.py who has left the last roster.
Their handler is in grading/handlers.py (`ParticipantHandler`): it also grades submissions that have waited.
"""
