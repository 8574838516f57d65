"""
Real Kafka and MongoDB on one machine, only from Python packages: docs/decisions/0004-local-stack.md

Start with `stack.py`. `kafka.py` and `mongo.py` know their server, `process.py` starts and ends processes.
"""

from ops.stack.errors import StackError
from ops.stack.stack import Stack
from ops.stack.status import Status

__all__ = ["Stack", "StackError", "Status"]
