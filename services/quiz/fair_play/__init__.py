"""
Fair play: attempts that should be looked at are flagged, and a person judges them. A flag changes nothing.

Start at rules.py, which says when something is flagged. alike.py has the statistic of answers that are alike,
and sheets.py finds the pairs; both are pure. examine.py reads a quiz in the background. Where attempts were
started is noted by services.quiz.attempts.traces (docs/decisions/0066-fair-play.md).
"""
