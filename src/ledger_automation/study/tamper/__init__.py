"""The tamper matrix: every change by every adversary on every system, done for real to a copy, and then audited.

changes    what shall have been otherwise
hands      how it gets into a database, and what is done to cover it
matrix     a small town on each system, attacked and audited
"""
