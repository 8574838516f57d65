"""
Attempts: start one, submit its answers, read its outcome.

Start at rules.py, then hot.py, which declares the three requests. start.py and intake.py do the work of the
first two. tokens.py has the attempt token, submission.py the submission as it is written to the log and
read from it.
"""
