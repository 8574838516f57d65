"""
The question bank: questions apart from quizzes, each with its versions, and the review by a second organiser.

Start at rules.py, then change.py (put, review, retire). check.py finds every problem of a file,
import_questions.py previews it and imports it whole, export.py writes files and takes questions for a quiz.
Both wait for their turn: turns.py.
"""
