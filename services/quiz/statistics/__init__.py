"""
Item statistics: how hard each question is, how well it tells strong participants from weak ones, and which
questions look wrong. For organisers, while a quiz runs and after its close.

Start at rules.py, which has the formulas; tally.py counts, and counting.py reads results into a tally. All
three are pure, and so is doubts.py, which names the questions that look wrong. compute.py does the work in
the background.
"""
