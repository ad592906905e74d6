from .base import Bridge as Bridge, BridgeState as BridgeState, suite_key as suite_key
from .brax import Brax as Brax
from .craftax import Craftax as Craftax
from .gymnax import Gymnax as Gymnax
from .jumanji import Jumanji as Jumanji
from .navix import Navix as Navix
from .pgx import Pgx as Pgx
from .xminigrid import XMiniGrid as XMiniGrid, XMiniGridParams as XMiniGridParams
