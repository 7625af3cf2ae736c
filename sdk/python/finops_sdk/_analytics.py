"""What a project cost, over GET /api/costs/query."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, TypedDict

from ._types import CostRow, CostTotal, Freshness

# How many rows a page has, the most that the service gives.
PAGE = 5_000
# The period when none is asked for, in days, today included.
DAYS = 30


class Summary(TypedDict):
    """The sum of the period. `totalCost` is None when nothing is known, or when there is more than one currency."""

    totalCost: Optional[str]
    currency: Optional[str]
    totals: List[CostTotal]
    basis: str


class Part(TypedDict):
    """What one service or model cost."""

    name: Optional[str]
    cost: str
    currency: str


class Breakdown(TypedDict):
    """The sum by what was asked for, by AI service, and by model."""

    rows: List[CostRow]
    services: List[Part]
    models: List[Part]


# `from` is no name for a field of a class.
Period = TypedDict("Period", {"from": str, "to": str, "dayZone": str})


class ProjectAnalytics(TypedDict):
    """What a project cost. Amounts are exact decimal strings."""

    projectId: str
    summary: Summary
    breakdown: Breakdown
    period: Period
    freshness: Freshness


def read(get: Callable[[str, Mapping[str, str]], Any], project: str, options: Mapping[str, Any]) -> ProjectAnalytics:
    """Asks for it."""
    today = datetime.now(timezone.utc).date()
    given = {_NAMES.get(name, name): value for name, value in options.items() if value is not None}
    unknown = set(given) - {"startDate", "endDate", "groupBy"}
    if unknown:
        raise TypeError(f"get_project_analytics has no option {', '.join(sorted(unknown))}")
    group = given.get("groupBy", "day")
    query = {
        "from": _text(given.get("startDate", today - timedelta(days=DAYS - 1))),
        "to": _after(given.get("endDate", today)),
        "projectId": project,
        "limit": str(PAGE),
    }
    answer = _all(get, {**query, "groupBy": group if isinstance(group, str) else ",".join(group)})
    services = _all(get, {**query, "groupBy": "provider"})["data"]
    models = _all(get, {**query, "groupBy": "model"})["data"]
    totals: List[CostTotal] = answer["totals"]
    only = totals[0] if len(totals) == 1 else None
    return {
        "projectId": project,
        "summary": {
            "totalCost": only["cost"] if only else None,
            "currency": only["currency"] if only else None,
            "totals": totals,
            "basis": answer["basis"],
        },
        "breakdown": {
            "rows": answer["data"],
            "services": _parts(services, "provider"),
            "models": _parts(models, "model"),
        },
        "period": {"from": answer["from"], "to": answer["to"], "dayZone": answer["dayZone"]},
        "freshness": answer["freshness"],
    }


_NAMES = {"start_date": "startDate", "end_date": "endDate", "group_by": "groupBy"}


def _all(get: Callable[[str, Mapping[str, str]], Any], query: Dict[str, str]) -> Any:
    """Every page in one."""
    answer = get("/api/costs/query", query)
    page = answer
    while page.get("nextCursor"):
        page = get("/api/costs/query", {**query, "cursor": page["nextCursor"]})
        answer["data"] += page["data"]
    return answer


def _parts(rows: List[CostRow], dimension: str) -> List[Part]:
    return [
        {"name": row["dimensions"].get(dimension), "cost": row["cost"], "currency": row["currency"]}  # type: ignore
        for row in rows
    ]


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _after(end: Any) -> str:
    """The end that the service wants: exclusive. A day is meant to be in the period, a time is not."""
    if isinstance(end, datetime):
        return end.isoformat()
    try:
        day = end if isinstance(end, date) else datetime.strptime(str(end), "%Y-%m-%d").date()
    except ValueError:
        return str(end)
    return (day + timedelta(days=1)).isoformat()
