"""Maps for FrozenLake: the two of Gymnasium, and random ones that have a way to the goal. Imports no JAX."""

from __future__ import annotations

import numpy as np

MAPS = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": ("SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"),
}
"""Named maps: S start, F frozen, H hole, G goal."""


def random_map(size: int = 8, p: float = 0.8, seed: int | None = None) -> tuple[str, ...]:
    """Draw a random square map on which a way leads from the start, in the upper left, to the goal, in the lower right.

    Args:
        size: rows and columns, at least 2.
        p: the probability that a tile is frozen rather than a hole, above 0.
        seed: of the map; None for another one every time.

    Returns:
        The rows of the map, a tuple of strings of the letters S, F, H and G.

    Raises:
        ValueError: ``size`` or ``p`` is out of range.
    """
    if size < 2 or not 0 < p <= 1:
        raise ValueError(
            f"random_map needs size >= 2 and 0 < p <= 1, but size {size} and p {p} were given; choose values in these ranges"
        )
    generator = np.random.default_rng(seed)
    chances = np.array([min(1.0, p), 1.0 - min(1.0, p)])
    while True:
        tiles = generator.choice(np.array(["F", "H"]), size=(size, size), p=chances)
        tiles[0, 0], tiles[-1, -1] = "S", "G"
        if is_solvable(desc := tuple("".join(row) for row in tiles)):
            return desc


def is_solvable(desc: tuple[str, ...]) -> bool:
    """Whether a goal can be reached from a start without stepping into a hole."""
    tiles = {(row, column): tile for row, line in enumerate(desc) for column, tile in enumerate(line)}
    frontier = [place for place, tile in tiles.items() if tile == "S"]
    seen = set(frontier)
    while frontier:
        row, column = frontier.pop()
        for place in ((row, column - 1), (row + 1, column), (row, column + 1), (row - 1, column)):
            if place in seen or tiles.get(place, "H") == "H":
                continue
            if tiles[place] == "G":
                return True
            seen.add(place)
            frontier.append(place)
    return False
