from .certificate import Certificate as Certificate, Quantity as Quantity
from .checks import CHECKS as CHECKS, Check as Check
from .conformance import ConformanceError as ConformanceError, check_env as check_env
from .outcomes import Report as Report, Result as Result
from .precision import enable_x64 as enable_x64
