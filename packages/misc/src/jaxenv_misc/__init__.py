"""Environments of the misc family."""
