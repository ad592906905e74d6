"""What goes wrong where an optimum is asked for."""

from __future__ import annotations

from jaxenv.errors import JaxenvError


class NoOptimumError(JaxenvError, LookupError):
    """Nobody has written how to compute the optimum of an environment."""

    def __init__(self, name: str, wrapper: str | None = None) -> None:
        if wrapper is None:
            super().__init__(
                f"There is no method for the optimum of {name}. If it has few states and every action is one of a few, describe "
                "its draws as jaxenv_baselines.optimal.Chances and pass them to jaxenv_baselines.optimal.tabular.solve."
            )
        else:
            super().__init__(
                f"The optimum of {name} within {wrapper} is another one than without, and there is no method for it. Pass the "
                "environment without the wrapper; ScaleReward and RewardNoise may stay."
            )


class TooManyStatesError(JaxenvError, ValueError):
    """More states can be reached than a table should hold."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(
            f"More than {most:,} states of {name} can be reached. Name the fields of the state that don't matter in "
            "Chances.ignored, make the task smaller, or allow more with most_states."
        )


class EndlessTaskError(JaxenvError, ValueError):
    """An episode may go on for ever, so that its return has no largest value that could be computed step by step."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"An episode of {name} may go on without end, so its best return is not a sum of finitely many rewards. Set "
            "max_steps_in_episode in its params."
        )


class NoPathError(JaxenvError, ValueError):
    """No policy surely ends an episode, so that none has an expected number of steps."""

    def __init__(self, name: str, sweeps: int) -> None:
        super().__init__(
            f"After {sweeps:,} sweeps the fewest steps to the end of an episode of {name} still grow, so probably no policy surely "
            "ends it. Choose params with which one does."
        )
