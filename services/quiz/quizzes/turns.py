"""
Reading whole definitions takes turns.

The check of the largest one takes some 40 ms of the event loop, in one piece. So one at a time is read in a
process, with a rest after it, and one of each organiser's key in turn
(docs/decisions/0057-turns-of-question-files.md).
"""

from shared.web.paced import Paced


class DefinitionTurns(Paced):
    """The turns of those who read definitions in a process."""
