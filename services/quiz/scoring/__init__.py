"""
Scoring: how answers become points, and when points suffice to pass. Only rules.py.
"""
