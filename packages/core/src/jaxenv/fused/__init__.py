"""Whole rollouts in one GPU kernel, for steps that are elementwise over a few scalars.

:mod:`jaxenv.fused.lanes` and :mod:`jaxenv.fused.rules` interpret the step of one environment with every scalar as a vector of
lanes, :mod:`jaxenv.fused.kernel` puts the loop over steps around it in a Pallas kernel, and :mod:`jaxenv.fused.play` makes a
rollout of that. ``jaxenv.rollout`` is where users meet it.
"""
