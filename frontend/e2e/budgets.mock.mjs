// What the service answers about budgets, with enough state that a change shows.
import { CHATBOT, established, MARKETING } from "./admin.mock.mjs";
import { json, problem } from "./mock.mjs";

const id = (n) => `01936f00-0000-7000-8000-${(0x9000 + n).toString(16).padStart(12, "0")}`;
const page = (data, nextCursor = null) => ({ data, nextCursor });
const gone = { status: 204 };

export const MONTHLY = id(1);
export const LIMIT = id(2);
export const QUARTERLY = id(3);
export const STAGING = id(4);
export const TUTOR = id(5);
const TODAY = "2026-11-24";

const alert = (threshold, type = "both", basis = "actual") => ({ threshold, type, basis });
const rate = (day, value) => ({ currency: "KRW", date: day, rate: value, source: "서울외국환중개" });

const budget = (budgetId, name, scope, more) => ({
  id: budgetId, kind: "budget", name, scope: { id: null, name: null, deleted: false, ...scope }, amount: "1000.000000", currency: "USD", fx: null,
  period: "monthly", enforcement: "soft", alerts: [alert("50", "email"), alert("80"), alert("100", "both", "forecast")], revision: 1,
  revisedAt: "2026-09-01T00:30:00Z", createdAt: "2026-09-01T00:30:00Z", updatedAt: "2026-09-01T00:30:00Z", ...more,
});

const BUDGETS = [
  budget(MONTHLY, "2026년 AI 예산", { type: "organization" }),
  budget(LIMIT, "chatbot-experiment", { type: "project", id: CHATBOT, name: "chatbot-experiment" }, { kind: "limit", amount: "500.000000", period: "daily", alerts: [alert("100")] }),
  budget(QUARTERLY, "마케팅 분기", { type: "team", id: MARKETING, name: "마케팅팀" }, { amount: "3000000.000000", currency: "KRW", fx: rate("2026-10-01", "1385.500000"), period: "quarterly", alerts: [alert("75"), alert("90")] }),
  budget(STAGING, "스테이징", { type: "environment", id: "staging" }, { amount: "500.000000", enforcement: "hard", alerts: [alert("75"), alert("90"), alert("100", "block")] }),
  budget(TUTOR, "튜터 서비스", { type: "service", id: "tutor-svc" }, { alerts: [] }),
];

const days = (from, count) =>
  Array.from({ length: count }, (_, index) => new Date(Date.parse(`${from}T00:00:00Z`) + index * 86_400_000).toISOString().slice(0, 10));

const period = (from, to, amount, spent, percent, more) => ({
  from, to, startsAt: `${from}T00:00:00Z`, endsAt: `${to}T00:00:00Z`, amount, spent, percent, basis: "billed", state: "billed", byBasis: [], unpriced: 0, unconverted: [],
  unknownDays: 0, complete: true, ...more,
});

/** How a budget stands that was set a moment ago: nothing is known yet. */
const nothing = (one) => ({
  budget: one, timeZone: "Asia/Seoul", currency: one.currency, state: "unknown", current: period("2026-11-01", "2026-12-01", one.amount, null, null, { unknownDays: 23, complete: false }),
  remaining: null, burnRatePerDay: null, forecast: null, forecastPercent: null, breachDate: null,
  thresholds: one.alerts.map((said) => ({ ...said, amount: ((Number(one.amount) * Number(said.threshold)) / 100).toFixed(6), reached: false, crossedAt: null })),
  days: days("2026-11-01", 24).map((day) => ({ day, spent: null })), history: [], asOf: "2026-11-24T09:00:00Z",
});

const reached = (status, ...which) => status.thresholds.map((one, index) => ({ ...one, reached: which.includes(index) }));

function standing(one) {
  const base = nothing(one);
  const daily = (spent) => days("2026-11-01", 24).map((day, index) => ({ day, spent: spent(index) }));
  switch (one.id) {
    case MONTHLY:
      return {
        ...base, state: "breaches",
        current: period("2026-11-01", "2026-12-01", one.amount, "742.104500", "74.21", {
          basis: "mixed", state: "estimated", byBasis: [{ basis: "billed", cost: "690.100000" }, { basis: "events", cost: "52.004500" }],
        }),
        remaining: "257.895500", burnRatePerDay: "42.500000", forecast: "1018.350000", forecastPercent: "101.83", breachDate: "2026-11-30", thresholds: reached(base, 0, 2),
        days: daily((index) => (index < 17 ? "27.004500" : index < 23 ? "42.500000" : "28.028000")),
        history: [
          period("2026-10-01", "2026-11-01", "1000.000000", "1100.500000", "110.05"), period("2026-09-01", "2026-10-01", "1000.000000", "612.250000", "61.22"),
          period("2026-08-01", "2026-09-01", null, "240.000000", null, { unknownDays: 3, complete: false }), period("2026-07-01", "2026-08-01", null, null, null, { complete: false, unknownDays: 31 }),
        ],
      };
    case LIMIT:
      return {
        ...base, state: "over", current: period(TODAY, "2026-11-25", one.amount, "742.000000", "148.4", { basis: "events", state: "estimated" }), remaining: "-242.000000", burnRatePerDay: "53.000000",
        forecast: "767.000000", forecastPercent: "153.4", breachDate: TODAY, thresholds: reached(base, 0), days: [{ day: TODAY, spent: "742.000000" }],
        history: [period("2026-11-23", TODAY, "500.000000", "53.100000", "10.62"), period("2026-11-22", "2026-11-23", "500.000000", "0.000000", "0")],
      };
    case QUARTERLY:
      return {
        ...base, state: "partial",
        current: period("2026-10-01", "2027-01-01", one.amount, "1204300.250000", "40.14", {
          basis: "provider_usage", state: "estimated", unpriced: 12, unconverted: [{ cost: "12.500000", currency: "EUR" }], unknownDays: 2, complete: false,
        }),
        remaining: "1795699.750000", burnRatePerDay: "21000.000000", forecast: "2010000.000000", forecastPercent: "67",
        days: days("2026-10-01", 55).map((day, index) => ({ day, spent: index === 20 || index === 21 ? null : "22722.646226" })),
      };
    case STAGING:
      return {
        ...base, state: "fine", current: period("2026-11-01", "2026-12-01", one.amount, "84.200000", "16.84"), remaining: "415.800000", burnRatePerDay: "3.660870", forecast: "110.000000", forecastPercent: "22",
        days: daily(() => "3.508333"),
      };
    default:
      return base;
  }
}

/** What a list tells of that. */
const shortly = ({ state, current, forecast, breachDate, asOf }) => ({ state, current, forecast, breachDate, asOf });

const TEMPLATES = [
  { environment: "production", amount: null, enforcement: "soft", alerts: [alert("50"), alert("75"), alert("90")] },
  { environment: "staging", amount: "500.000000", enforcement: "hard", alerts: [alert("75"), alert("90")] },
  { environment: "development", amount: "100.000000", enforcement: "hard", alerts: [alert("90")] },
  { environment: "ci", amount: "50.000000", enforcement: "hard", alerts: [] },
].map((one) => ({ scope: { type: "environment", id: one.environment }, currency: "USD", period: "monthly", ...one }));

/** An organization with budgets. `world` may be changed by a test; the answers follow. */
export function budgeted() {
  const base = established();
  const world = Object.assign(base.world, { budgets: structuredClone(BUDGETS), rates: [rate("2026-11-20", "1391.200000"), rate("2026-10-01", "1385.500000")] });
  return { world, answers: [...budgets(world), ...limits(world), ...base.answers] };
}

function budgets(world) {
  const find = (wanted) => world.budgets.find((one) => one.id === wanted);
  const made = (said, before) => ({
    ...budget(id(9), said.name, { ...said.scope, name: world.projects.find((project) => project.id === said.scope.id)?.name ?? null }), ...before, ...said,
    scope: before?.scope ?? { deleted: false, name: null, id: null, ...said.scope }, fx: world.rates.find((known) => known.currency === said.currency) ?? null,
  });
  return [
    ["GET /budgets", ({ query }) => page(world.budgets.filter((one) =>
      [["kind", one.kind], ["scopeType", one.scope.type], ["state", standing(one).state]].every(([name, is]) => [null, is].includes(query.get(name))) &&
      [query.get("teamId"), query.get("projectId")].every((wanted) => !wanted || wanted.split(",").includes(one.scope.id)))
      .map((one) => (query.get("include") === "standing" ? { ...one, standing: shortly(standing(one)) } : one)))],
    ["GET /budgets/templates", () => page(TEMPLATES)],
    ["POST /budgets", ({ body }) => {
      if (body.currency !== "USD" && !world.rates.some((known) => known.currency === body.currency)) return problem(422, "fx_rate_missing");
      const one = made(body);
      world.budgets.unshift(one);
      return json(one, 201);
    }],
    ["GET /budgets/:budget/status", ({ params }) => (find(params[0]) ? standing(find(params[0])) : problem(404, "not_found"))],
    ["PUT /budgets/:budget", ({ params, body }) => Object.assign(find(params[0]), made(body, find(params[0])))],
    ["DELETE /budgets/:budget", ({ params }) => {
      world.budgets = world.budgets.filter((one) => one.id !== params[0]);
      return gone;
    }],
    ["GET /fx-rates", () => page(world.rates)],
    ["PUT /fx-rates", ({ body }) => {
      world.rates.unshift(body);
      return body;
    }],
  ];
}

function limits(world) {
  const of = (project) => {
    const limit = (wanted) => world.budgets.find((one) => one.kind === "limit" && one.scope.id === project && one.period === wanted) ?? null;
    return { daily: limit("daily"), weekly: limit("weekly") };
  };
  return [
    ["GET /projects/:project/cost-thresholds", ({ params }) => of(params[0])],
    ["PUT /projects/:project/cost-thresholds", ({ params, body }) => {
      const now = of(params[0]);
      for (const wanted of ["daily", "weekly"]) {
        world.budgets = world.budgets.filter((one) => one !== now[wanted]);
        const name = world.projects.find((one) => one.id === params[0]).name;
        const { type, ...said } = body[wanted] ?? {};
        if (body[wanted]) world.budgets.unshift(budget(now[wanted]?.id ?? id(7), name, { type: "project", id: params[0], name }, { kind: "limit", period: wanted, alerts: [alert("100", type)], ...said }));
      }
      return of(params[0]);
    }],
    ["PATCH /projects/:project", ({ params, body }) => Object.assign(world.projects.find((one) => one.id === params[0]), body)],
    ["GET /projects/:project", ({ params }) => world.projects.find((one) => one.id === params[0]) ?? problem(404, "not_found")],
  ];
}
