"""Which algorithm trains which environment, and with what settings: one row an id. Importing this module imports no JAX.

What is left out has the default of the algorithm's ``Config``. Sizes are such that two CPU cores train each small task in
seconds to minutes; a GPU gets those in ``gpu`` on top. Ids are full ids. An environment without a row gets PPO with its defaults.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Row(NamedTuple):
    """How an environment is trained."""

    algorithm: str
    """Its name."""
    settings: dict[str, Any]
    """Of its config."""
    gpu: dict[str, Any]
    """What is different on a GPU."""
    env: dict[str, Any]
    """Arguments of ``make`` besides the id."""


def _ppo(
    steps: float, num_envs: int, num_steps: int, gpu: dict[str, Any], env: dict[str, Any] | None = None, **settings: Any
) -> Row:
    sizes = {"total_steps": int(steps), "num_envs": num_envs, "num_steps": num_steps}
    return Row("ppo", {**sizes, **settings}, gpu, env or {})


def _gpu(steps: float, num_envs: int, num_steps: int, minibatches: int, **settings: Any) -> dict[str, Any]:
    sizes = {"total_steps": int(steps), "num_envs": num_envs, "num_steps": num_steps, "minibatches": minibatches}
    return {**sizes, **settings}


_MINATAR: dict[str, Any] = {
    "learning_rate": 5e-3,
    "minibatches": 8,
    "torso": "mlp",
    "widths": (128,),
    "activation": "relu",
    "normalize_observations": False,
    "greedy": False,
}
_MINATAR_GPU: dict[str, Any] = {"learning_rate": 3e-3, "widths": (256, 256), "discount": 0.995}
_MEMORY: dict[str, Any] = {"torso": "gru", "widths": (64,)}
_CONTEXT: dict[str, Any] = {"observe_context": True}
_TABLE: dict[str, Any] = {"normalize_observations": False, "widths": (64,)}
_SEA: dict[str, Any] = {
    "num_envs": 8,
    "num_steps": 20,
    "minibatches": 4,
    "widths": (),
    "normalize_observations": False,
    "count_bits": 16,
    "trace": 0.8,
    "epsilon": 0.05,
    "final_epsilon": 0.0,
    "epsilon_decay": 0.5,
    "learning_rate": 5e-3,
    "final_learning_rate": 5e-4,
}

CONFIGS: dict[str, Row] = {
    # In the order of importance: a script with little time trains the first ones.
    "classic/CartPole-v1": _ppo(2e5, 16, 128, _gpu(8e6, 256, 64, 8)),
    "classic/Acrobot-v1": _ppo(1e6, 32, 128, _gpu(6e7, 1024, 64, 16)),
    "classic/MountainCar-v0": _ppo(3e6, 64, 128, _gpu(8e7, 1024, 64, 16), discount=0.995),
    "classic/MountainCarContinuous-v0": _ppo(1e6, 32, 256, _gpu(8e7, 1024, 128, 16), discount=0.999),
    "classic/Pendulum-v1": _ppo(2e6, 32, 200, _gpu(6.2e7, 1024, 200, 32, discount=0.98, trace=0.9, entropy=0.0), discount=0.97),
    "minatar/Breakout-MinAtar": _ppo(1e7, 64, 128, _gpu(2.5e8, 2048, 64, 8, **_MINATAR_GPU), **_MINATAR),
    "minatar/SpaceInvaders-MinAtar": _ppo(1e7, 64, 128, _gpu(2e8, 2048, 64, 8, **_MINATAR_GPU), **_MINATAR),
    "minatar/Asterix-MinAtar": _ppo(1e7, 64, 128, _gpu(4e8, 2048, 64, 8, **_MINATAR_GPU), **_MINATAR),
    "minatar/Seaquest-MinAtar": _ppo(1e7, 64, 128, _gpu(3.5e8, 2048, 64, 8, **_MINATAR_GPU), **_MINATAR),
    "minatar/Freeway-MinAtar": _ppo(
        1e7, 64, 128, _gpu(6e7, 2048, 64, 8, **{**_MINATAR_GPU, "discount": 0.999}), **_MINATAR, discount=0.999
    ),
    "misc/MetaMaze-misc": _ppo(
        2e7, 256, 200, _gpu(1.2e8, 8192, 50, 8, memory=128, learning_rate=2e-3, discount=0.97), **_MEMORY, discount=0.98
    ),
    "misc/BernoulliBandit-misc": _ppo(2e6, 64, 100, _gpu(5e7, 2048, 100, 4), **_MEMORY, discount=1.0),
    "misc/GaussianBandit-misc": _ppo(2e6, 64, 100, _gpu(2.2e7, 4096, 100, 8, learning_rate=3e-3), **_MEMORY, discount=1.0),
    "bsuite/MemoryChain-bsuite": _ppo(3e5, 64, 16, _gpu(8e6, 512, 16, 4), **_MEMORY),
    "bsuite/memory_len/15": _ppo(1e6, 64, 31, _gpu(1.1e7, 512, 31, 4), **_MEMORY),
    "bsuite/Catch-bsuite": _ppo(1e5, 32, 36, _gpu(4e6, 512, 18, 4)),
    "bsuite/DiscountingChain-bsuite": _ppo(1e6, 64, 100, _gpu(2e7, 512, 100, 8), discount=1.0),
    "bsuite/UmbrellaChain-bsuite": _ppo(5e5, 64, 40, _gpu(2e7, 1024, 40, 8), discount=1.0),
    "bsuite/SimpleBandit-bsuite": _ppo(5e4, 64, 16, _gpu(1e6, 512, 16, 4), **_TABLE),
    "misc/FrozenLake-misc": _ppo(3e6, 256, 64, _gpu(4e7, 1024, 64, 16), **_TABLE, discount=0.999, entropy=0.03),
    "misc/FrozenLake8x8-misc": _ppo(5e6, 256, 64, _gpu(8e7, 1024, 128, 16), **_TABLE, discount=0.995, entropy=0.02),
    "misc/FourRooms-misc": _ppo(2e6, 64, 64, _gpu(4e7, 1024, 64, 16), one_hot=True),
    "misc/PointRobot-misc": _ppo(
        2e6, 64, 100, _gpu(5e7, 2048, 100, 4), env=_CONTEXT | {"respawn": True, "max_steps_in_episode": 100}, **_MEMORY
    ),
    "misc/Reacher-misc": _ppo(2e6, 64, 100, _gpu(1e8, 1024, 100, 16), discount=0.97),
    "misc/Swimmer-misc": _ppo(4e6, 64, 250, _gpu(1e8, 1024, 100, 16), discount=0.995),
    "misc/Pong-misc": _ppo(1e7, 64, 128, _gpu(6e7, 1024, 64, 16), widths=(128, 64), discount=0.995),
    "bsuite/Cartpole-bsuite": _ppo(1e6, 32, 128, _gpu(4e7, 512, 64, 8)),
    "bsuite/CartpoleSwingup-bsuite": _ppo(5e6, 64, 128, _gpu(8e7, 1024, 64, 16), discount=0.995),
    "bsuite/MountainCar-bsuite": _ppo(3e6, 64, 256, _gpu(8e7, 1024, 128, 16), discount=0.995),
    "classic/CartPole-v0": _ppo(2e5, 16, 128, _gpu(8e6, 256, 64, 8)),
}

CONFIGS.update(
    {
        # A linear function of a board with one cell lit is a table; actions are tried because they are seldom tried.
        env_id: Row("pqn", {"total_steps": 200_000, **_SEA}, {}, {})
        for env_id in ("bsuite/DeepSea-bsuite", "bsuite/deep_sea/0", "bsuite/deep_sea/5")
    }
)

_DEFAULT = Row("ppo", {}, {}, {})


def env_settings_for(env_id: str) -> dict[str, Any]:
    """Return the arguments of ``make`` besides a full id."""
    return dict(CONFIGS.get(env_id, _DEFAULT).env)


def settings_for(env_id: str, algorithm: str | None = None, *, gpu: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the algorithm and its settings for an environment.

    Args:
        env_id: a full id.
        algorithm: the name of another algorithm than the configured one: it gets its own defaults.
        gpu: whether it is to be trained on a GPU.
    """
    row = CONFIGS.get(env_id, _DEFAULT)
    if algorithm not in (None, row.algorithm):
        return algorithm, {}
    return row.algorithm, {**row.settings, **(row.gpu if gpu else {})}
