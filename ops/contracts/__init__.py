"""
The published contracts: schemas and documents generated from the code, and the check against past releases.

Start with `documents.py`. The contracts themselves are in `shared/contracts/`.
"""
