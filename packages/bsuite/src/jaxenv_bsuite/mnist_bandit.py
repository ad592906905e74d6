"""MNISTBandit: classify one handwritten digit, and hear whether it was right."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, Int, Int8, UInt8

from jaxenv_bsuite import mnist_data
from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import real


@struct.dataclass
class MNISTBanditParams(Params):
    """The images. They are leaves, so a compiled program holds none of them."""

    images: Int8[Array, "n 28 28"] | np.ndarray[Any, Any]
    """The pixels: bytes read as signed numbers, as bsuite reads them."""
    labels: Int[Array, " n"] | np.ndarray[Any, Any]
    """What the images show, 0 to 9."""


@struct.dataclass
class MNISTBanditState(State):
    """Which image is shown."""

    index: Int[Array, ""]
    """Its place among ``params.images``."""
    mistakes: Int[Array, ""]
    """Wrong answers; counts on over all episodes."""


class MNISTBandit(BsuiteEnvironment[MNISTBanditState, MNISTBanditParams]):
    """Say which digit an image of MNIST's training set shows. An episode is one image.

    ===========  ===============================================  ====  ====================
    Observation  Meaning                                          Unit  Range
    ===========  ===============================================  ====  ====================
    [y, x]       a pixel, read as a signed byte, divided by 255         [-128/255, 127/255]
    ===========  ===============================================  ====  ====================

    At the end the observation is all zeros. bsuite reads bytes above 127 as negative numbers, so white is -1/255; so does
    this task. ``pixel_mode="unit"`` reads them as they are meant, from 0 to 1.

    ======  =================
    Action  Meaning
    ======  =================
    i       the image shows i
    ======  =================

    Reward: 1 if that is right, else -1.
    Termination: after every answer. Time limit: none.

    Fields: ``fraction`` of the images to use; ``data_dir`` with the files of MNIST, else the environment variable
    ``JAXENV_MNIST_DIR`` names it; ``source="digits"`` for scikit-learn's digits instead (not bsuite's mnist: scores are not
    comparable); ``pixel_mode``.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/mnist.py``.

    **Differences**: nothing is downloaded; without the files there is an error that says what to put where.

    **Coming from gymnax**: the observation stays within its space, and an episode terminates without being truncated.

    >>> import jax, numpy as np
    >>> from jaxenv_bsuite import MNISTBandit
    >>> env = MNISTBandit()
    >>> params = env.params_from(np.zeros((2, 28, 28), np.uint8), labels=np.array([3, 3]))
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 3, params)
    >>> obs.shape, float(reward), bool(done)
    ((28, 28), 1.0, True)
    """

    fraction: float = ranges.number(1.0, above=0, at_most=1)
    """How many of the images to use, above 0 and at most 1."""
    data_dir: str | None = None
    """The directory with the files of MNIST; None asks the environment variable ``JAXENV_MNIST_DIR``."""
    source: Literal["mnist", "digits"] = "mnist"
    """``mnist``, or ``digits`` for scikit-learn's (not bsuite's mnist: scores are not comparable)."""
    pixel_mode: Literal["bsuite", "unit"] = "bsuite"
    """``bsuite`` for pixels from -128/255 to 127/255, as bsuite reads them, or ``unit`` for 0 to 1."""

    counters = ("mistakes",)

    def __post_init__(self) -> None:
        if self.source not in mnist_data.SOURCES:
            raise ValueError(f"source must be 'mnist' or 'digits', but {self.source!r} was given; choose one of the two")
        if self.pixel_mode not in ("bsuite", "unit"):
            raise ValueError(f"pixel_mode must be 'bsuite' or 'unit', but {self.pixel_mode!r} was given; choose one of the two")

    @property
    def default_params(self) -> MNISTBanditParams:
        return _stored(self.source, mnist_data.directory(self.data_dir), self.fraction)

    @property
    def params_template(self) -> MNISTBanditParams:
        # Not the default: images of one's own must do without MNIST's files.
        return self.params_from(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int32))

    def params_from(self, images: Any, labels: Any) -> MNISTBanditParams:
        """Return params with images and labels of your own.

        Args:
            images: the pixels, bytes of shape (n, 28, 28).
            labels: the digits that they show, 0 to 9, of shape (n,).
        """
        return _params(mnist_data.from_arrays(images, labels), self.fraction)

    def draw_reset(self, key: Array, params: MNISTBanditParams) -> Int[Array, ""]:
        """Draw the place of an image.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            Its place among ``params.images``, int32[].
        """
        return random.uniform_int(random.words(key, 1)[0], 0, len(params.labels))

    def init(self, key: Array, params: MNISTBanditParams) -> MNISTBanditState:
        return MNISTBanditState(index=self.draw_reset(key, params), mistakes=jnp.int32(0))

    def transition(
        self, key: Array, state: MNISTBanditState, action: Int[Array, ""], params: MNISTBanditParams
    ) -> Transition[MNISTBanditState]:
        right = jnp.asarray(params.labels)[state.index] == action
        state = state.replace(mistakes=state.mistakes + (~right).astype(jnp.int32))
        return Transition(state, jnp.where(right, 1.0, -1.0), terminated=True)

    def observe(self, state: MNISTBanditState, params: MNISTBanditParams) -> Float[Array, "28 28"]:
        # As one row of bytes, cut into lines only at the end: on a CPU 784 neighbours are read faster than 28 rows of 28.
        rows = jnp.asarray(params.images).reshape(len(params.labels), -1)
        pixels = rows.at[state.index].get(mode="promise_in_bounds").astype(jnp.int32)
        if self.pixel_mode == "unit":
            pixels = pixels & 0xFF
        return jnp.where(state.time == 0, of_255(pixels), jnp.float32(0.0)).reshape(28, 28)

    def render(
        self, state: MNISTBanditState, params: MNISTBanditParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import boards

        return boards.mnist_bandit(self, state, params, size)

    def action_space(self, params: MNISTBanditParams) -> spaces.Discrete:
        return spaces.Discrete(10)

    def observation_space(self, params: MNISTBanditParams) -> spaces.Box:
        if self.pixel_mode == "unit":
            return spaces.Box(0.0, 1.0, (28, 28))
        return spaces.Box(-128 / 255, 127 / 255, (28, 28))

    def bsuite_info(self, state: MNISTBanditState, params: MNISTBanditParams | None = None) -> dict[str, Any]:
        return {"total_regret": real(2 * state.mistakes)}

    @property
    def name(self) -> str:
        label = f" ({mnist_data.NOT_COMPARABLE})" if self.source == "digits" else ""
        return type(self).__name__ + label


def of_255(pixels: Array) -> Array:
    """Return ``pixels / 255``, correctly rounded, float32, for integers from -128 to 255."""
    pixels = pixels.astype(jnp.float32)
    # 1 / 255 in two parts; the products of the first one and a pixel are exact. Division costs more.
    first = 2**-8 + 2**-16
    return pixels * np.float32(first) + pixels * np.float32(1 / 255 - first)


@cache
def _stored(source: str, directory: Path | None, fraction: float) -> MNISTBanditParams:
    return _params(mnist_data.load(source, directory), fraction)


def _params(data: mnist_data.MnistData, fraction: float) -> MNISTBanditParams:
    count = int(fraction * len(data.labels))
    with jax.ensure_compile_time_eval():  # arrays on the device even where a trace asks for the defaults
        return MNISTBanditParams(jnp.asarray(data.images[:count]), jnp.asarray(data.labels[:count]))
