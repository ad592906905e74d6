"""Random numbers for environments: cheap keys, and draws by the word.

On a CPU random numbers are the first cost of a small environment. Three things keep them cheap:

* An environment takes all the words of a step from one :func:`words` call and turns each into what it needs with the pure,
  elementwise functions :func:`uniform`, :func:`uniform_int`, :func:`bernoulli` and :func:`normal`::

    class Draws(NamedTuple):
        position: Array
        gold: Array

    def draw(key: Array) -> Draws:
        w = jaxenv.random.words(key, 2)
        return Draws(position=uniform_int(w[0], 0, 10), gold=bernoulli(w[1], 1 / 3))

* :func:`words`, :func:`split` and :func:`fold_in` take every JAX key. For those of JAX's default generator they compute
  the same threefry as JAX, as straight-line code, and :func:`lane` makes keys for the steps of a loop without computing any.
* :func:`key` makes a key of a generator that is cheaper still; every ``jax.random`` function takes it.

docs/random.md explains which key to choose, what each costs and how the generator was tested.
"""

from __future__ import annotations

from jaxenv.random.draws import bernoulli, normal, uniform, uniform_int, words
from jaxenv.random.generator import key
from jaxenv.random.keys import fold_in, lane, split

__all__ = ["bernoulli", "fold_in", "key", "lane", "normal", "split", "uniform", "uniform_int", "words"]
