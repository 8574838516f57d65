"""
The bridge for partners: checks what each wrote to topics of its own, and forwards it to shared ones.
"""
