"""Reports AI calls to FinOps for AI, and reads what they cost.

`Finops()` is the client; `finops.meter(openai.OpenAI())` tracks every answer's usage.
"""

from ._analytics import ProjectAnalytics
from ._client import BulkResult, FailedEvent, Finops, Stats
from ._errors import FinopsError
from ._guard import Decision
from ._types import CostRow, GuardAnswer, GuardBlock, GuardBudget, RejectedEvent, UsageEventRequest

__version__ = "0.1.0"

__all__ = [
    "BulkResult",
    "CostRow",
    "Decision",
    "FailedEvent",
    "Finops",
    "FinopsError",
    "GuardAnswer",
    "GuardBlock",
    "GuardBudget",
    "ProjectAnalytics",
    "RejectedEvent",
    "Stats",
    "UsageEventRequest",
]
