"""What bsuite draws once, in a constructor, from a seed of its own: the same numbers from the same NumPy streams. Imports no JAX.

NumPy's policy freezes the streams of ``RandomState``, so these are bsuite's very tasks: the same arms pay, the same actions dive.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@cache
def reward_ranks(num_actions: int, mapping_seed: int) -> NDArray[np.int32]:
    """Return the rank of each arm's reward in SimpleBandit: arm i pays ``ranks[i] / (num_actions - 1)``."""
    return _frozen(np.random.RandomState(mapping_seed).permutation(num_actions).astype(np.int32))


@cache
def action_mapping(size: int, mapping_seed: int) -> NDArray[np.int8]:
    """Return the action that moves right in each cell of DeepSea, 0 or 1."""
    return _frozen(np.random.RandomState(mapping_seed).binomial(1, 0.5, (size, size)).astype(np.int8))


def bonus_arm(mapping_seed: int) -> int:
    """Return the chain of DiscountingChain that pays the bonus."""
    return mapping_seed % 5


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
