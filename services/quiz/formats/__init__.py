"""
Files with questions, as other programs write them: GIFT, Aiken, Moodle XML, QTI and tables. All is pure.

Start at rules.py, then read.py (bytes become questions and problems) and write.py. Each format has a module
with a reader and a writer. A file comes from anywhere: what reading costs is bounded, and an XML file has no
document type, so no entities of its own (xml_tree.py).
"""
