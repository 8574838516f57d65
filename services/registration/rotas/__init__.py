"""
Rotas: who works at a session, as a guide, with the first aid, at the door.

An organiser puts the shifts of a session. People volunteer for them, and an organiser accepts or assigns.
Shifts go with their session when it moves (docs/decisions/0038-rotas.md). Read `rules.py`, then `assign.py`.
"""
