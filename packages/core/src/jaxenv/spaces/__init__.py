"""Spaces: what an action, an observation or a state may be.

``Discrete``, ``MultiDiscrete``, ``MultiBinary``, ``Box``, ``Tuple`` and ``Dict`` mean what they mean in Gymnasium. Each is an
immutable value: it stores numpy arrays, so making one starts no JAX backend, and equal spaces have equal hashes. Its methods are
JAX functions::

    space = spaces.Box(-2.0, 2.0, (1,))
    action = space.sample(key)
    space.contains(action)            # bool[], also under jit and vmap

Bounds of a ``Box`` may be traced values (a torque limit that is a leaf of the parameters): then everything works but
what needs the values in Python, such as hashing.
"""

from jaxenv.spaces.base import Space, flatdim, flatten_space
from jaxenv.spaces.binary import MultiBinary
from jaxenv.spaces.box import Box
from jaxenv.spaces.composite import Dict, Tuple
from jaxenv.spaces.convert import from_gymnasium, from_json, to_gymnasium, to_json
from jaxenv.spaces.discrete import Discrete, MultiDiscrete
from jaxenv.spaces.structure import of_structure

__all__ = [
    "Box",
    "Dict",
    "Discrete",
    "MultiBinary",
    "MultiDiscrete",
    "Space",
    "Tuple",
    "flatdim",
    "flatten_space",
    "from_gymnasium",
    "from_json",
    "of_structure",
    "to_gymnasium",
    "to_json",
]
