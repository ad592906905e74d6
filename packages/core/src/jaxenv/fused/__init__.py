"""Whole rollouts in one GPU kernel, for steps that are elementwise over a few scalars.

:mod:`jaxenv.fused.lanes` and :mod:`jaxenv.fused.rules` take the step of one environment apart into operations on elements
(:mod:`jaxenv.fused.elements`), :mod:`jaxenv.fused.loop` is the Pallas kernel that plays them for many environments and steps,
:mod:`jaxenv.fused.kernel` makes a scan of the two, and :mod:`jaxenv.fused.play` a rollout of that. ``jaxenv.rollout`` is where
users meet it.
"""
