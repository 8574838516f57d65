"""Guarantees broken on purpose, one by one; a named test has to notice each. make mutate"""
