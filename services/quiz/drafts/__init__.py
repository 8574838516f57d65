"""
Drafts: quizzes that only organisers see, until they publish them; and what a quiz would look like to a
participant.

Start at edit.py. trial.py draws a paper of a draft or of a published quiz, and grades answers to it; nothing
of it is stored.
"""
