"""
The winners of a scheme with their names and addresses, for organisers.

Each page and each file is an act with a reason and the number of people, which is kept before anything is
opened. Read `lists.py`.
"""
