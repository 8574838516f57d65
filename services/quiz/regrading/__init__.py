"""
Regrading: an organiser corrects a key or cancels a question, and all results are graded again by that.

Start at rules.py; correct.py keeps a correction, and regrade.py grades again in the background. Graders use
the keys of now (`services.quiz.quizzes.keys`).
"""
