"""Environments of the classic family."""
