"""
Scoring: how answers become points, and when the points are enough to pass. Only rules.py.
"""
