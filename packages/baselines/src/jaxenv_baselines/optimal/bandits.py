"""Optimal returns of bandits whose arms nobody knows: dynamic programming over what a player may believe.

An agent that meets a new bandit in every episode must find out while it earns. Its best return is that of a player who knows the
distribution that bandits are drawn from, and forgets nothing: the value of the belief with which an episode begins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxenv.environment import NO_TIME_LIMIT
from numpy.typing import NDArray

from jaxenv_baselines.optimal.errors import EndlessTaskError


def bernoulli(env: Any, params: Any) -> float:
    """Return the largest expected return of a BernoulliBandit: one arm pays with probability q, the other with 1 - q.

    A payment of arm 0 and a blank of arm 1 are evidence of equal weight that arm 0 is the one with 1 - q, so the number of these
    less the number of their opposites is all that a player needs to remember. The value of every such count, from the last pull
    to the first.
    """
    pulls, q = _pulls(env, params), float(params.reward_prob)
    if q in (0.0, 1.0):  # the first pull tells all; an arm that pays surely follows
        return 0.5 + (pulls - 1)
    counts = np.arange(-pulls, pulls + 1)
    believed = 1.0 / (1.0 + np.exp(counts * (math.log(q) - math.log1p(-q))))  # that arm 0 pays with 1 - q
    evidence_if = np.stack([q + (1.0 - 2.0 * q) * believed, q + (1.0 - 2.0 * q) * (1.0 - believed)])
    # evidence_if[arm]: how likely the arm pays. If arm 0 does, or arm 1 does not, the count goes up.
    values = np.zeros(len(counts))
    for _ in range(pulls):
        up, down = np.append(values[1:], 0.0), np.insert(values[:-1], 0, 0.0)  # no episode gets beyond the ends
        first = evidence_if[0] * (1.0 + up) + (1.0 - evidence_if[0]) * down
        second = evidence_if[1] * (1.0 + down) + (1.0 - evidence_if[1]) * up
        values = np.maximum(first, second)
    return float(values[pulls])


def gaussian(env: Any, params: Any, spacing: float = 1 / 1000) -> float:
    """Return the largest expected return of a GaussianBandit: arm 0 pays 0, arm 1 a normal reward around an unknown mean.

    Arm 0 teaches nothing, so whoever pulls it may as well go on pulling it: the question is only when to give arm 1 up. After n
    pulls of arm 1 its mean is normally distributed, with a known variance and a mean m that is all there is to remember. The
    value is a convex function of m, kept on a grid and linear in between; what the next pull makes of m is integrated exactly.
    A convex function lies below its chords, so the result is at most a little too high: halving ``spacing`` quarters the error.

    Args:
        env: the environment.
        params: its parameters.
        spacing: between two points of the grid, in standard deviations of what the first pull tells.
    """
    pulls = _pulls(env, params)
    mean, prior, noise = (float(value) for value in (params.mean_mu, params.sigma_p, params.sigma_l))
    if prior == 0.0:
        return pulls * max(mean, 0.0)
    variance = 1.0 / (1.0 / prior**2 + np.arange(pulls + 1) / noise**2) if noise > 0.0 else np.array([prior**2] + [0.0] * pulls)
    told = np.sqrt(np.maximum(variance[:-1] - variance[1:], 0.0))  # standard deviation of the change of m by each pull
    step = spacing * told[0]
    reach = math.ceil(9.0 / spacing) + 1
    grid = mean + step * np.arange(-reach, reach + 1)
    values = np.zeros(len(grid))
    for n in reversed(range(pulls)):
        # Beyond the grid the value is 0 on the left; on the right arm 1 is pulled for ever.
        expected = _expected(values, told[n] / step, step * (pulls - n - 1))
        values = np.maximum(grid + expected, 0.0)
    return float(values[reach])


def _expected(values: NDArray[np.float64], deviation: float, slope: float) -> NDArray[np.float64]:
    """Return the expectation of a function at each point of a grid, moved by a normal number of this deviation (in points).

    The function is linear between the points, goes on with its first value on the left and with ``slope`` a point on the right.
    """
    if deviation == 0.0:
        return values
    reach = math.ceil(9.0 * deviation) + 1
    points = np.arange(-reach - 1, reach + 2)
    # E[max(x - k, 0)] for a normal x: its second differences are the expectations of hats, whose sums are all such functions.
    ramp = deviation * _density(points / deviation) - points * _beyond(points / deviation)
    weights = np.diff(ramp, 2)
    wide = np.concatenate([np.full(reach, values[0]), values, values[-1] + slope * np.arange(1, reach + 1)])
    size = 1 << (len(wide) + len(weights)).bit_length()
    product = np.fft.irfft(np.fft.rfft(wide, size) * np.fft.rfft(weights, size), size)
    return product[2 * reach : 2 * reach + len(values)]


def _density(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)


def _beyond(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that a standard normal number is above ``x``."""
    return np.array([0.5 * math.erfc(value / math.sqrt(2.0)) for value in x.tolist()])


def _pulls(env: Any, params: Any) -> int:
    pulls = int(params.max_steps_in_episode)
    if pulls == NO_TIME_LIMIT:
        raise EndlessTaskError(env.name)
    return pulls
