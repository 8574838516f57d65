"""
Quizzes: organisers publish them and change them, everyone sees them, every process keeps them in memory.

Start at rules.py, then publish.py. blueprint.py says what questions are worth and which of them a paper has,
papers.py draws the papers, offered.py is one version of a quiz in memory, and catalogue.py keeps all of them
up to date for the other rooms.
"""
