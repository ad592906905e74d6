"""Mazes, bandits, Reacher, Swimmer, Pong and FrozenLake: small tasks of meta-learning and exploration."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
