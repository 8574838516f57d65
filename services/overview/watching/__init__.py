"""
Watching: how far the consumers of the week are behind, and what each service says of its health.

A worker asks every few seconds and stores the answers, so readers cost the services nothing. `rules.py` says
which problems there are, and `wording.py` what an organiser can do about each.
"""
