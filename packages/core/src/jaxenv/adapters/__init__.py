"""Our environments behind the interfaces of other libraries: one module each, imported only when it is asked for.

===============================  =============================================================  =======================
module                           gives                                                          needs the extra
===============================  =============================================================  =======================
``jaxenv.adapters.gymnasium``    ``GymnasiumEnv``, ``GymnasiumVectorEnv``, every id by ``make``  ``gymnasium``
``jaxenv.adapters.dm_env``       ``DmEnv``                                                      ``dm-env``
``jaxenv.adapters.brax``         ``BraxEnv``                                                    ``brax``
``jaxenv.adapters.gymnax``       gymnax's own modules and functions, ``install()``              none
``jaxenv.adapters.to_gymnax``    ``ToGymnax``, a class of the installed gymnax                  ``gymnax``
``jaxenv.adapters.stoa``         ``StoaEnv``                                                    ``stoa``
``jaxenv.adapters.minari``       ``create_dataset``, for ``jaxenv rollout --minari``            ``minari``
===============================  =============================================================  =======================

Nothing here is imported by ``import jaxenv``.
"""
