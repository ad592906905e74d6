"""Measure jaxenv against its peers: ``jaxenv bench --against gymnax`` with JAX's default keys on both sides.

    python benchmarks/compare.py                                   # everything that gymnax has, 2,000 environments
    python benchmarks/compare.py CartPole-v1 --num-envs 1 --num-envs 64 --num-envs 2000 --num-envs 16384
    python benchmarks/compare.py --against gymnasium --against envpool --against pgx --json docs/benchmarks/others.json

What every library needs is in tox.ini, under ``peers``. Options given here come after the defaults, so they win.
"""

import sys

from jaxenv.cli import main

arguments = sys.argv[1:]
defaults = ["--prng", "default"]
if "--against" not in arguments:
    defaults += ["--against", "gymnax"]
main(["bench", *defaults, *arguments])
