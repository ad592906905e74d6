"""Environments of the minatar family."""
