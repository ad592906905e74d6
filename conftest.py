"""Settings of every test run: strict promotion, and one compilation cache for all processes and runs."""

import os
from pathlib import Path

import jax

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", os.environ.get("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent / ".jax_cache")))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
