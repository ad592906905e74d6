"""Which algorithm trains which environment, and with what settings: one row an id. Importing this module imports no JAX.

Sizes are such that a laptop trains each small task in seconds to minutes; what is left out has the default of the algorithm's
``Config``. Ids are full ids. An environment without a row gets PPO with its defaults.
"""

from __future__ import annotations

from typing import Any

_MINATAR: dict[str, Any] = {
    "total_steps": 10_000_000,
    "num_envs": 64,
    "num_steps": 128,
    "epochs": 4,
    "minibatches": 8,
    "learning_rate": 1e-3,
    "torso": "cnn",
    "widths": (128,),
    "activation": "relu",
    "normalize_observations": False,
    "greedy": False,
}

_MEMORY: dict[str, Any] = {"torso": "gru", "widths": (64,), "minibatches": 4, "epochs": 4}

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "classic/CartPole-v1": ("ppo", {"total_steps": 200_000, "num_envs": 16, "num_steps": 128}),
    "classic/CartPole-v0": ("ppo", {"total_steps": 200_000, "num_envs": 16, "num_steps": 128}),
    "classic/Acrobot-v1": ("ppo", {"total_steps": 1_000_000, "num_envs": 32, "num_steps": 128}),
    "classic/MountainCar-v0": ("ppo", {"total_steps": 2_000_000, "num_envs": 64, "num_steps": 128}),
    "classic/MountainCarContinuous-v0": ("ppo", {"total_steps": 1_000_000, "num_envs": 32, "num_steps": 256, "discount": 0.999}),
    "classic/Pendulum-v1": ("ppo", {"total_steps": 2_000_000, "num_envs": 32, "num_steps": 200, "discount": 0.97}),
    "bsuite/Catch-bsuite": ("ppo", {"total_steps": 200_000, "num_envs": 32, "num_steps": 36}),
    "bsuite/SimpleBandit-bsuite": ("ppo", {"total_steps": 100_000, "num_envs": 64, "num_steps": 16}),
    "bsuite/DiscountingChain-bsuite": ("ppo", {"total_steps": 1_000_000, "num_envs": 64, "num_steps": 100, "discount": 1.0}),
    "bsuite/UmbrellaChain-bsuite": ("ppo", {"total_steps": 500_000, "num_envs": 64, "num_steps": 40, "discount": 1.0}),
    "bsuite/MemoryChain-bsuite": ("ppo", {**_MEMORY, "total_steps": 200_000, "num_envs": 64, "num_steps": 16}),
    "bsuite/Cartpole-bsuite": ("ppo", {"total_steps": 1_000_000, "num_envs": 32, "num_steps": 128}),
    "bsuite/MountainCar-bsuite": ("ppo", {"total_steps": 2_000_000, "num_envs": 64, "num_steps": 256}),
    "misc/FrozenLake-misc": ("ppo", {"total_steps": 1_000_000, "num_envs": 64, "num_steps": 64, "normalize_observations": False}),
    "misc/FrozenLake8x8-misc": ("ppo", {"total_steps": 2_000_000, "num_envs": 64, "num_steps": 128, "normalize_observations": False}),
    "misc/FourRooms-misc": ("ppo", {"total_steps": 2_000_000, "num_envs": 64, "num_steps": 64, "one_hot": True}),
    "misc/BernoulliBandit-misc": ("ppo", {**_MEMORY, "total_steps": 2_000_000, "num_envs": 64, "num_steps": 100, "discount": 1.0}),
    "misc/GaussianBandit-misc": ("ppo", {**_MEMORY, "total_steps": 2_000_000, "num_envs": 64, "num_steps": 100, "discount": 1.0}),
    "misc/MetaMaze-misc": ("ppo", {**_MEMORY, "total_steps": 20_000_000, "num_envs": 256, "num_steps": 200}),
    "misc/PointRobot-misc": ("ppo", {**_MEMORY, "total_steps": 2_000_000, "num_envs": 64, "num_steps": 60}),
    "misc/Reacher-misc": ("ppo", {"total_steps": 2_000_000, "num_envs": 64, "num_steps": 100}),
    "misc/Swimmer-misc": ("ppo", {"total_steps": 4_000_000, "num_envs": 64, "num_steps": 250}),
    "misc/Pong-misc": ("ppo", {"total_steps": 10_000_000, "num_envs": 64, "num_steps": 128, "widths": (128, 64)}),
    "minatar/Breakout-MinAtar": ("ppo", _MINATAR),
    "minatar/Asterix-MinAtar": ("ppo", _MINATAR),
    "minatar/Freeway-MinAtar": ("ppo", {**_MINATAR, "discount": 0.999}),
    "minatar/Seaquest-MinAtar": ("ppo", _MINATAR),
    "minatar/SpaceInvaders-MinAtar": ("ppo", _MINATAR),
}


def settings_for(env_id: str, algorithm: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the algorithm and its settings for an environment.

    Args:
        env_id: a full id.
        algorithm: the name of another algorithm than the configured one: it gets its own defaults.
    """
    name, settings = CONFIGS.get(env_id, ("ppo", {}))
    return (name, dict(settings)) if algorithm in (None, name) else (algorithm, {})
