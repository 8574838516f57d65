"""
Grading: submissions from the log become results and standings, and `quiz.completed` is published.

Start at rules.py, then handlers.py and grade.py. Submissions whose participant is not known yet wait in
store.py until grade_waiting.py grades them. moved.py is about the time after the topic got more partitions.
"""
