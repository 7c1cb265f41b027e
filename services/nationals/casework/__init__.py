"""Voluntary-return casework and the capacity of the centres that serve it (safeguards)."""
