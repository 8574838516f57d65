"""
Where is this id? Everything that the log says about one request, participant, attempt, registration or award.

`find.py` reads the log, `chain.py` says what was found and what is missing, `show.py` prints it.
"""
