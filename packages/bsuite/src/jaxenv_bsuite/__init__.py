"""Environments of the bsuite family."""
