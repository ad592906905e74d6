"""The tasks of this family once more, in plain NumPy and float64, with the batch in front.

Written from the published descriptions, and in another manner than the environments: with maps as arrays of characters and
lists of cells, so that the two do not share a mistake. States have the fields of the environment's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Outcome(NamedTuple):
    """What a step gives: the fields of the new state, the reward, the end, and the rest of ``info``."""

    state: dict[str, np.ndarray]
    reward: np.ndarray
    terminated: np.ndarray
    info: dict[str, np.ndarray]


class NumpyTask(Protocol):
    """A task in NumPy, built from an environment (for its fields) and params."""

    def __init__(self, env: Any, params: Any) -> None: ...

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step with given draws."""
        ...

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``, of which ``time`` is a field."""
        ...


def _outcome(state: dict[str, np.ndarray], reward: Any, terminated: Any = False, **info: np.ndarray) -> Outcome:
    reward = np.asarray(reward, np.float64)
    return Outcome(state, reward, np.broadcast_to(np.asarray(terminated), reward.shape), info)


class FourRooms:
    """Four rooms: the intended move with probability 2/3, each other one with 1/9."""

    def __init__(self, env: Any, params: Any) -> None:
        self.map = np.array([list(row) for row in env.layout])
        self.visual = env.use_visual_obs

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step with given draws."""
        move = np.where(draws["slips"], draws["move"], action)
        y, x = np.divmod(state["position"], self.map.shape[1])
        new_y = y + np.array([-1, 0, 1, 0])[move]
        new_x = x + np.array([0, 1, 0, -1])[move]
        free = self.map[new_y, new_x] != "#"
        y, x = np.where(free, new_y, y), np.where(free, new_x, x)
        goal_y, goal_x = np.divmod(state["goal"], self.map.shape[1])
        reached = (y == goal_y) & (x == goal_x)
        return _outcome({"position": y * self.map.shape[1] + x, "goal": state["goal"]}, reached, reached)

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        places = [np.divmod(state[who], self.map.shape[1]) for who in ("position", "goal")]
        if not self.visual:
            return np.stack([*places[0], *places[1]], axis=1)
        picture = np.zeros((len(state["goal"]), *self.map.shape, 3), bool)
        picture[..., 0] = self.map == "#"
        for channel, (y, x) in enumerate(places, start=1):
            picture[np.arange(len(y)), y, x, channel] = True
        return picture


class MetaMaze:
    """A walled maze with pillars at the even interior cells, but for the centre."""

    def __init__(self, env: Any, params: Any) -> None:
        size = env.maze_size
        self.wall = np.zeros((size, size), bool)
        self.wall[::2, ::2] = True
        self.wall[[0, -1]] = True
        self.wall[:, [0, -1]] = True
        self.wall[size // 2, size // 2] = False
        cells = [(y, x) for y, x in np.argwhere(~self.wall).tolist() if size % 4 == 3 or (y, x) != (size // 2, size // 2)]
        # A centre among the pillars is numbered last.
        self.cells = np.array(cells + [(size // 2, size // 2)] * (size % 4 == 1))
        self.radius = env.receptive_field // 2
        self.params = params

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step with given draws."""
        y, x = state["y"], state["x"]
        new_y = y + np.array([-1, 1, 0, 0])[action]
        new_x = x + np.array([0, 0, -1, 1])[action]
        blocked = self.wall[new_y, new_x]
        y, x = np.where(blocked, y, new_y), np.where(blocked, x, new_x)
        reward = np.zeros(len(y))
        reward[blocked] -= float(self.params.wall_penalty)
        found = (self.cells[state["goal"]] == np.stack([y, x], axis=1)).all(axis=1)
        reward[found] += float(self.params.goal_reward)
        for i in np.flatnonzero(found):
            others = np.delete(self.cells, state["goal"][i], axis=0)
            y[i], x[i] = others[draws["landing"][i]]
        return _outcome({"y": y, "x": x, "goal": state["goal"], "last_action": action, "last_reward": reward}, reward)

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        padded = np.pad(self.wall, self.radius, constant_values=True)
        side = 2 * self.radius + 1
        rows = []
        for y, x, action, reward, time in zip(
            state["y"], state["x"], state["last_action"], state["last_reward"], state["time"], strict=True
        ):
            one_hot = np.zeros(4)
            if time > 0:
                one_hot[action] = 1.0
            seen = padded[y : y + side, x : x + side].ravel()
            rows.append([*seen, 0.0, 1.0, time / float(self.params.max_steps_in_episode), reward, *one_hot])
        return np.array(rows, np.float64)


class PointRobot:
    """A point that moves by its clipped action; the reward is that of the new position."""

    def __init__(self, env: Any, params: Any) -> None:
        self.env, self.params = env, params

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step."""
        bound = float(self.params.max_force)
        move = np.clip(action.astype(np.float64), -bound, bound)
        position = state["position"] + move
        distance = np.linalg.norm(position - state["goal"], axis=1)
        reached = distance <= float(self.params.goal_radius)
        reward = -distance if self.env.dense_reward else reached.astype(np.float64)
        if self.env.respawn:
            position = np.where(reached[:, None], state["start"], position)
        kept = {name: state[name] for name in ("start", "goal")}
        return _outcome({"position": position, "last_action": move, "last_reward": reward, **kept}, reward)

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        if not self.env.observe_context:
            return state["position"]
        time = state["time"] / float(self.params.max_steps_in_episode)
        return np.column_stack([state["position"], state["last_reward"], state["last_action"], time])


class _Bandit:
    """What both bandits observe."""

    def __init__(self, env: Any, params: Any) -> None:
        self.env, self.params = env, params

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        pulled = state["time"] > 0
        time = state["time"] / (float(self.params.max_steps_in_episode) if self.env.normalize_time else 1.0)
        arms = [pulled & (state["last_action"] == arm) for arm in (0, 1)]
        return np.column_stack([np.where(pulled, state["last_reward"], 0.0), *arms, time])


class BernoulliBandit(_Bandit):
    """Two arms that pay 1 with probabilities that add up to 1."""

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step with given draws."""
        arms = np.column_stack([state["first_prob"], 1.0 - state["first_prob"]])
        chosen = arms[np.arange(len(arms)), action]
        reward = np.where(draws["uniform"] < chosen, 1.0, 0.0)
        new = {"first_prob": state["first_prob"], "last_action": action, "last_reward": reward}
        return _outcome(new, reward, regret=arms.max(axis=1) - chosen)


class GaussianBandit(_Bandit):
    """An arm that pays nothing, and one that pays around its mean."""

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step with given draws."""
        reward = action * (state["mu"] + float(self.params.sigma_l) * draws["noise"])
        means = np.column_stack([np.zeros_like(state["mu"]), state["mu"]])
        regret = means.max(axis=1) - means[np.arange(len(means)), action]
        return _outcome({"mu": state["mu"], "last_action": action, "last_reward": reward}, reward, regret=regret)


class Reacher:
    """An arm whose links have absolute angles; the tip is the sum of the links."""

    def __init__(self, env: Any, params: Any) -> None:
        self.params = params

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step."""
        dt = float(self.params.dt)
        velocities = state["velocities"] + dt * float(self.params.torque_scale) * action.astype(np.float64)
        angles = state["angles"] + dt * velocities
        tip = np.exp(1j * angles).sum(axis=1)
        reward = np.exp(-(np.abs(tip - (state["goal"] @ np.array([1, 1j]))) ** 2))
        return _outcome({"angles": angles, "velocities": velocities, "goal": state["goal"]}, reward)

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        return np.column_stack([np.cos(state["angles"]), np.sin(state["angles"]), state["velocities"], state["goal"]])


class Swimmer:
    """A point with inertia among urchins."""

    def __init__(self, env: Any, params: Any) -> None:
        self.dt = float(params.dt)

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step."""
        velocity = state["velocity"] + self.dt * action.astype(np.float64)
        position = state["position"] + self.dt * velocity
        reward = np.exp(-0.5 * np.linalg.norm(position - state["goal"], axis=1) ** 2)
        for urchin in np.moveaxis(state["urchins"], 1, 0):
            reward = reward * (1.0 - np.exp(-30.0 * np.linalg.norm(position - urchin, axis=1) ** 2))
        return _outcome({"position": position, "velocity": velocity, "urchins": state["urchins"], "goal": state["goal"]}, reward)

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        urchins = state["urchins"].reshape(len(state["urchins"]), -1)
        return np.column_stack([urchins, state["position"], state["velocity"], state["goal"]])


class Pong:
    """Two paddles, a ball, two walls."""

    def __init__(self, env: Any, params: Any) -> None:
        self.env, self.params = env, params

    def step(self, state: Arrays, action: np.ndarray, draws: Arrays) -> Outcome:
        """Take one step."""
        results = [self._step(*rows) for rows in zip(*(state[name] for name in self.FIELDS), action, strict=True)]
        *fields, playing = (np.array(column) for column in zip(*results, strict=True))
        return _outcome(dict(zip(self.FIELDS, fields, strict=True)), playing, ~playing)

    FIELDS = ("left", "right", "ball_row", "ball_column", "velocity_row", "velocity_column")

    def _step(self, left: Any, right: Any, row: Any, column: Any, v_row: Any, v_column: Any, action: Any) -> tuple[Any, ...]:
        height, width, half = self.env.height, self.env.width, self.env.paddle_half_height
        step, fastest = float(self.params.paddle_step), float(self.params.ball_max_y_speed)
        direction = (0, -1, 1)
        if self.env.opponent == "self":
            moves = direction[action[0]], direction[action[1]]
        else:
            away = row - right
            moves = direction[action], (0 if abs(away) <= step / 2 else 1 if away > 0 else -1)
        left, right = (
            min(max(centre + step * move, -2 * half), height + 2 * half) for centre, move in zip((left, right), moves, strict=True)
        )
        row, column = row + v_row, column + v_column
        if row < 0:
            row, v_row = -row, -v_row
        if row >= height:
            row, v_row = 2 * (height - 1) - row, -v_row
        if 2 - column >= 1 and abs(row - left) <= half:
            column, v_column = 2 - column, -v_column
            v_row = min(max(v_row + (row - left) / half, -fastest), fastest)
        elif 2 * (width - 2) - column < width - 2 and abs(row - right) < half + 1:
            column, v_column = 2 * (width - 2) - column, -v_column
            v_row = min(max(v_row + (row - right) / half, -fastest), fastest)
        return left, right, row, column, v_row, v_column, 0 <= column < width

    def observe(self, state: Arrays) -> np.ndarray:
        """Return the observations of ``state``."""
        height, width, half = self.env.height, self.env.width, self.env.paddle_half_height
        pictures = np.zeros((len(state["left"]), height, width), np.uint8)
        for picture, left, right, row, column in zip(pictures, *(state[name] for name in self.FIELDS[:4]), strict=True):
            picture[np.clip(int(np.floor(row)), 0, height - 1), np.clip(int(np.floor(column)), 0, width - 1)] = 2
            for centre, side in ((left, 0), (right, width - 1)):
                picture[np.clip(int(np.floor(centre)) + np.arange(-half, half + 1), 0, height - 1), side] = 1
        return pictures


NUMPY_TASKS: dict[str, type[NumpyTask]] = {
    "FourRooms": FourRooms,
    "MetaMaze": MetaMaze,
    "PointRobot": PointRobot,
    "BernoulliBandit": BernoulliBandit,
    "GaussianBandit": GaussianBandit,
    "Reacher": Reacher,
    "Swimmer": Swimmer,
    "Pong": Pong,
}
"""By the name of the environment's class."""
