"""PyTorch beside JAX: arrays without a copy, and TorchRL's own checker of environments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from probes import Ladder, Walk

pytest.importorskip("gymnasium")
torch = pytest.importorskip("torch", reason="torch is not installed")

from jaxenv.adapters.gymnasium import GymnasiumEnv, GymnasiumVectorEnv  # noqa: E402


def test_observations_reach_torch_without_a_copy():
    envs = GymnasiumVectorEnv(Walk(), 80, to_numpy=False)
    obs, _ = envs.reset(seed=0)
    tensor = torch.from_dlpack(obs)
    assert tensor.data_ptr() == obs.unsafe_buffer_pointer()
    np.testing.assert_array_equal(tensor.numpy(), obs)
    actions = jax.dlpack.from_dlpack((0.1 * torch.sign(tensor)).contiguous())
    before = tensor.clone()
    after, *_ = envs.step(actions)
    assert tensor.equal(before)  # a step leaves earlier arrays alone
    np.testing.assert_allclose(after - obs, 0.05 * jnp.sign(obs), atol=0.11)


class TestTorchRL:
    @pytest.fixture(autouse=True)
    def torchrl(self):
        return pytest.importorskip("torchrl", reason="torchrl is not installed")

    @pytest.mark.parametrize("env", [Walk(), Ladder()], ids=["walk", "ladder"])
    def test_its_checker_passes_for_one_environment(self, env):
        from torchrl.envs import GymWrapper
        from torchrl.envs.utils import check_env_specs

        wrapped = GymWrapper(GymnasiumEnv(env))
        check_env_specs(wrapped)
        played = wrapped.rollout(30)
        assert played["next", "done"][-1]
        assert not played["next", "done"][:-1].any()

    @pytest.mark.parametrize(("mode", "to_numpy"), [("SameStep", True), ("Disabled", True), ("Disabled", False)])
    def test_its_checker_passes_for_a_batch(self, mode, to_numpy):
        from torchrl.envs import GymWrapper
        from torchrl.envs.utils import check_env_specs

        wrapped = GymWrapper(GymnasiumVectorEnv(Walk(), 3, autoreset_mode=mode, to_numpy=to_numpy))
        check_env_specs(wrapped)
        played = wrapped.rollout(20, break_when_any_done=False)
        assert played.batch_size == (3, 20)
        done = played["next", "done"][..., 0]
        assert (done.sum(axis=1) >= 3).all()
        # After an episode's end comes the first observation of the next, within the range of Walk's first states.
        assert (played["observation"][:, 1:][done[:, :-1]].abs() <= 0.3).all()
