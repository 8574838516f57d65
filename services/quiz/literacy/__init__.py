"""
Scientific literacy (科学素质) by the tiers of a survey: for all people, key groups, districts and units.

`rules.py`: tiers, intervals, and which cells are hidden; `compute.py` counts people in the background.
"""
