"""
The standings in the form of the ICPC's Contest API, so that other people's scoreboards can show them.

rules.py says what our words are there, board.py reads, and api.py answers. What fits and what does not:
docs/decisions/0071-live-standings.md
"""
