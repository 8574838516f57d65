"""
A crowd: many people ask for places, many of them twice, by other keys and devices, and then sit the contest.

Copies of registration are killed by SIGKILL in turn meanwhile. Read `crowd.py`. The short form is a test
(test_crowd.py). The full size, a hundred thousand requests by fifty thousand people:

    .venv/bin/python -m tests.registration.crowd --people 50000
"""
