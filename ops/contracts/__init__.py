"""The published contracts: schemas and documents made from the code, and the gate between releases."""
