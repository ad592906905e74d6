"""How environments are played: a plan says what, and an executor, a scan or one kernel, plays it.

=============  ==================================================================================================
``plan``       from environment, policy and keys to the functions of one environment: begin, step, observe
``scan``       the reference executor: ``lax.scan`` over a vmapped step
``scalar``     the jaxpr of such a function, taken apart into a :class:`ScalarProgram` on single numbers
``cuda``       ``ScalarProgram`` to CUDA C, to PTX, to one operation of JAX
``batched``    ``jax.vmap(env.step)`` and ``jax.vmap(env.reset)`` as one kernel each
``rollout``    a whole rollout as one kernel
``select``     which executor plays, and why
=============  ==================================================================================================
"""
