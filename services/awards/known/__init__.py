"""
Which participants, groups and quizzes exist, and who was erased, from other services' events.

Start with `store.py`. `handlers.py` reads the events.
"""
