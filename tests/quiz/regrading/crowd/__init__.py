"""
A crowd: a contest of many attempts is corrected twice, under load, while everything is killed once.

Then everything that was said and stored is computed anew from the log, without the services' code. Read
contest.py (the rules of the contest, from the documents), crowd.py (what happens), check.py (what must be
true after it). The short form is a test (test_crowd.py). The full size, a hundred thousand attempts:

    .venv/bin/python -m tests.quiz.regrading.crowd --attempts 100000
"""
