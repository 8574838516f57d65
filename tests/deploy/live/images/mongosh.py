#!/usr/local/bin/python
"""Stands in for mongosh with the health check of docker-compose.yml, and with nothing else."""

import sys

from pymongo import MongoClient
from pymongo.errors import OperationFailure

server: MongoClient[dict[str, object]] = MongoClient(
    "mongodb://127.0.0.1:27017/?directConnection=true", serverSelectionTimeoutMS=5000
)
try:
    server.admin.command("replSetGetStatus")
except OperationFailure:
    members = [{"_id": 0, "host": "mongo:27017"}]
    server.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
sys.exit(0 if server.admin.command("hello")["isWritablePrimary"] else 1)
