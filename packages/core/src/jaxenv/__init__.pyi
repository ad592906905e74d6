from . import (
    errors as errors,
    experimental as experimental,
    fields as fields,
    hookspecs as hookspecs,
    random as random,
    ranges as ranges,
    registry as registry,
    spaces as spaces,
    testing as testing,
    visualize as visualize,
    wrappers as wrappers,
)
from .checking import checks as checks
from .environment import Environment as Environment, Params as Params, State as State, Transition as Transition
from .evaluation import evaluate as evaluate
from .registry.lookup import (
    make as make,
    plugins as plugins,
    register as register,
    registered_envs as registered_envs,
    spec as spec,
)
from .registry.spec import EnvSpec as EnvSpec
from .rollout_wrapper import RolloutWrapper as RolloutWrapper
from .rollouts import rollout as rollout

__version__: str
