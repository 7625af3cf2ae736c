// Ninety days of costs of an invented organization, the same on every run, and the answers that the service would give
// for them: amounts are whole micro-dollars, so that sums here are exact too.
import { ORGANIZATION, json, problem } from "./mock.mjs";
import { values } from "./value.mjs";

/** The day that the tests take for today. */
export const TODAY = "2026-11-23";
export const NOW = `${TODAY}T03:10:00Z`;

const DAY = 86_400_000;
const at = (day) => Date.parse(`${day}T00:00:00Z`);
export const plus = (day, days) => new Date(at(day) + days * DAY).toISOString().slice(0, 10);
const id = (n) => `01936f00-0000-7000-8000-0000000${String(n).padStart(5, "0")}`;

export const TEAMS = ["플랫폼팀", "마케팅팀", "Research"].map((name, index) => ({
  id: id(100 + index),
  name,
  projectCount: 3,
  memberCount: 4,
  hasActiveAdminKey: index < 2,
  createdAt: "2026-08-01T00:00:00Z",
}));

const PROJECTS_OF = [
  ["chatbot-experiment", 0, "production", 210],
  ["상품 추천", 0, "production", 120],
  ["search-ranking", 0, "staging", 48],
  ["캠페인 문구 생성", 1, "production", 76],
  ["translation-batch", 1, "production", 31],
  ["리뷰 요약", 1, "development", 6],
  ["agent-evals", 2, "ci", 17],
  ["new-idea", 2, "development", 0],
];

export const PROJECTS = PROJECTS_OF.map(([name, team, environment, scale], index) => ({
  id: id(200 + index),
  name,
  description: index === 0 ? "고객 문의에 답하는 챗봇" : null,
  environment,
  teamId: TEAMS[team].id,
  teamName: TEAMS[team].name,
  openaiProjectId: scale ? `proj_${name.replace(/[^a-z]/g, "") || `p${index}`}${index}X9` : null,
  openaiProjectIdSince: scale ? "2026-08-20T02:00:00Z" : null,
  memberCount: 2,
  createdAt: "2026-08-02T00:00:00Z",
}));

const ITEMS = [
  ["gpt-5.4-2026-03-05", "input", 0.34],
  ["gpt-5.4-2026-03-05", "output", 0.27],
  ["gpt-5.4-2026-03-05", "cached input", 0.05],
  ["gpt-5.4-mini-2026-03-05", "input", 0.13],
  ["gpt-5.4-mini-2026-03-05", "output", 0.12],
  ["text-embedding-3-large", "input", 0.04],
  ["gpt-image-2", "output", 0.03],
  [null, "web search tool calls", 0.02],
];

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function noise(seed) {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

const LINES = [];
for (let back = 180; back >= 1; back--) {
  const day = plus(TODAY, -back);
  const weekend = [0, 6].includes(new Date(at(day)).getUTCDay());
  // One day on which nothing was collected: a gap, not a zero.
  if (back === 19) continue;
  for (const [index, [, team, , scale]] of [...PROJECTS_OF.entries(), [-1, [null, 0, null, 9]]]) {
    if (!scale) continue;
    for (const [item, [model, kind, share]] of ITEMS.entries()) {
      const spike = index === 0 && back <= 2 && item < 2 ? 2.1 : 1;
      const wave = (weekend ? 0.45 : 1) * (0.8 + 0.4 * noise(back * 131 + index * 17 + item)) * (1 - back / 420);
      LINES.push({
        day,
        project: index < 0 ? null : PROJECTS[index],
        team: TEAMS[team],
        model,
        lineItem: model ? `${model}, ${kind}` : kind,
        provider: "openai",
        apiKey: `key_${index < 0 ? "legacy" : `${String.fromCharCode(97 + index)}${item % 3}`}`,
        micros: BigInt(Math.round(scale * share * wave * spike * 1_000_000)),
        moving: back <= 3,
      });
    }
  }
}

const money = (micros) => {
  const sign = micros < 0n ? "-" : "";
  const abs = micros < 0n ? -micros : micros;
  return `${sign}${abs / 1_000_000n}.${String(abs % 1_000_000n).padStart(6, "0")}`;
};
export const sum = (lines) => lines.reduce((total, line) => total + line.micros, 0n);
const named = (thing) => thing && { id: thing.id, name: thing.name };
const valueOf = { project: (l) => named(l.project), team: (l) => named(l.team) };
const keyOf = (line, dimension) => {
  const value = line[dimension];
  return value === null ? "" : typeof value === "object" ? value.id : value;
};

const FRESH = { collectedAt: "2026-11-23T03:00:00Z", settledBefore: plus(TODAY, -3), staleTeams: [] };

function select(params) {
  const wanted = (name, of) => !params.get(name) || params.get(name) === of;
  return LINES.filter(
    (l) =>
      (!params.get("from") || l.day >= params.get("from")) &&
      (!params.get("to") || l.day < params.get("to")) &&
      wanted("projectId", l.project?.id ?? "none") &&
      wanted("teamId", l.team.id) &&
      wanted("model", l.model) &&
      wanted("lineItem", l.lineItem),
  );
}

/** `GET /api/costs/query`. */
export function query(params) {
  const by = (params.get("groupBy") ?? "").split(",").filter(Boolean);
  const lines = select(params);
  const groups = new Map();
  for (const line of lines) {
    const key = by.map((dimension) => keyOf(line, dimension)).join("\u0000");
    if (groups.has(key)) groups.get(key).push(line);
    else groups.set(key, [line]);
  }
  const rows = [...groups.values()].map((group) => ({
    micros: sum(group),
    dimensions: Object.fromEntries(by.map((d) => [d, (valueOf[d] ?? ((l) => l[d]))(group[0])])),
    settlement: group.some((l) => l.moving) ? "moving" : "settled",
  }));
  rows.sort((a, b) =>
    by.includes("day") && a.dimensions.day !== b.dimensions.day
      ? a.dimensions.day < b.dimensions.day ? -1 : 1
      : a.micros < b.micros ? 1 : -1,
  );
  const limit = Number(params.get("limit") ?? 1000);
  const start = Number(params.get("cursor") ?? 0);
  const rest = lines.filter((l) => !l.project);
  return {
    data: rows.slice(start, start + limit).map(({ micros, dimensions, settlement }) => ({
      dimensions, cost: money(micros), currency: "USD", basis: "billed", state: "billed", settlement,
    })),
    nextCursor: rows.length > start + limit ? String(start + limit) : null,
    totals: lines.length ? [{ cost: money(sum(lines)), unattributed: money(sum(rest)), currency: "USD" }] : [],
    basis: "billed",
    from: params.get("from"),
    to: params.get("to"),
    dayZone: "UTC",
    freshness: FRESH,
  };
}

const percent = (now, before) =>
  before > 0n ? (Number(((now - before) * 100_000n) / before) / 1000).toFixed(1) : null;

function period(params, from, to, previousFrom, previousTo) {
  const of = (a, b) => {
    const asked = new URLSearchParams({ from: a, to: b });
    for (const name of ["projectId", "teamId"]) if (params.get(name)) asked.set(name, params.get(name));
    return select(asked);
  };
  const [now, before] = [of(from, to), of(previousFrom, previousTo)];
  const deltas = new Map();
  for (const [sign, lines] of [[1n, now], [-1n, before]])
    for (const line of lines) deltas.set(line.project, (deltas.get(line.project) ?? 0n) + sign * line.micros);
  const abs = (n) => (n < 0n ? -n : n);
  const [project, delta] = [...deltas].sort((a, b) => (abs(a[1]) < abs(b[1]) ? 1 : -1))[0] ?? [];
  return {
    from, to,
    cost: money(sum(now)),
    previousCost: before.length ? money(sum(before)) : null,
    changePercent: before.length ? percent(sum(now), sum(before)) : null,
    driver: delta === undefined ? null : { project: named(project), delta: money(delta), model: ITEMS[0][0] },
    settlement: now.some((l) => l.moving) ? "moving" : "settled",
    hasData: now.length > 0,
    complete: now.length > 0,
  };
}

/** `GET /api/costs/summary`. */
export function summary(params) {
  const from = params.get("from") ?? plus(TODAY, -30);
  const to = params.get("to") ?? TODAY;
  const length = Math.round((at(to) - at(from)) / DAY);
  const days = [...Array(length).keys()].map((n) => plus(from, n));
  const asked = new URLSearchParams(params);
  asked.set("from", from);
  asked.set("to", to);
  const lines = select(asked);
  asked.set("from", plus(from, -length));
  asked.set("to", from);
  const earlier = select(asked);
  const has = (some, day) => some.some((l) => l.day === day);
  const whole = days.every((day) => has(lines, day) && has(earlier, plus(day, -length)));
  const projects = [...new Set(lines.map((l) => l.project))].map((project) => {
    const own = lines.filter((l) => l.project === project);
    const before = sum(earlier.filter((l) => l.project === project));
    return {
      micros: sum(own),
      row: {
        project: named(project),
        team: project ? { id: project.teamId, name: project.teamName } : null,
        cost: money(sum(own)),
        previousCost: whole ? money(before) : null,
        changePercent: whole ? percent(sum(own), before) : null,
        trend: days.map((day) => money(sum(own.filter((l) => l.day === day)))),
      },
    };
  });
  projects.sort((a, b) => (a.micros < b.micros ? 1 : -1));
  const spike = PROJECTS[0];
  return {
    currency: "USD",
    otherCurrencies: [],
    basis: "billed",
    dayZone: "UTC",
    yesterday: period(params, plus(TODAY, -1), TODAY, plus(TODAY, -2), plus(TODAY, -1)),
    lastWeek: period(params, "2026-11-16", "2026-11-23", "2026-11-09", "2026-11-16"),
    lastMonth: period(params, "2026-10-01", "2026-11-01", "2026-09-01", "2026-10-01"),
    monthToDate: period(params, "2026-11-01", TODAY, "2026-10-01", "2026-10-23"),
    trend: days.map((day) => {
      const own = lines.filter((l) => l.day === day);
      return { day, cost: own.length ? money(sum(own)) : null, settlement: own.some((l) => l.moving) ? "moving" : "settled" };
    }),
    topProjects: projects.slice(0, 5).map(({ row }) => row),
    unattributed: money(sum(lines.filter((l) => !l.project))),
    total: money(sum(lines)),
    nextActions: [
      { code: "review_spike", amount: "148.220000", changePercent: "62.4", project: named(spike), team: null },
      { code: "attribute_costs", amount: "214.106000", changePercent: null, project: null, team: named(TEAMS[0]) },
      { code: "register_admin_key", amount: null, changePercent: null, project: null, team: named(TEAMS[2]) },
    ],
    freshness: FRESH,
  };
}

const params = (request) => new URL(request.url()).searchParams;
const page = (data) => ({ data, nextCursor: null });

/** A summary of an organization that has collected nothing yet. */
export function emptySummary({ collectedAt = null, staleTeams = [], nextActions = [] } = {}) {
  const none = (from, to) => ({
    from, to, cost: "0.000000", previousCost: null, changePercent: null, driver: null, settlement: "moving", hasData: false, complete: false,
  });
  const full = summary(new URLSearchParams());
  return {
    ...full,
    yesterday: none(plus(TODAY, -1), TODAY),
    lastWeek: none("2026-11-16", "2026-11-23"),
    lastMonth: none("2026-10-01", "2026-11-01"),
    monthToDate: none("2026-11-01", TODAY),
    trend: full.trend.map(({ day }) => ({ day, cost: null, settlement: "moving" })),
    topProjects: [],
    unattributed: "0.000000",
    total: "0.000000",
    nextActions,
    freshness: { collectedAt, settledBefore: null, staleTeams },
  };
}

export const PEOPLE = ["김지우", "이도윤", "Mina Park"].map((name, index) => ({
  userId: id(300 + index),
  email: `person${index}@example.com`,
  name,
  role: "user",
  lastLoginAt: null,
  createdAt: "2026-08-03T00:00:00Z",
}));

const BUDGETS = [
  // Of two of one project the one that is nearer to its limit is shown.
  [0, "챗봇 분기", { amount: "9000.000000", period: "quarterly" }, ["fine", "1148.200000", "12.75", null]],
  [0, "챗봇 월 예산", {}, ["breaches", "742.100000", "74.21", "2026-11-30"]],
  [1, "상품 추천", { kind: "limit", amount: "40.000000", period: "daily" }, ["over", "59.360000", "148.4", TODAY]],
  [2, "search-ranking", { amount: "3000000.000000", currency: "KRW" }, ["partial", "1204300.250000", "40.14", null]],
  [3, "캠페인", {}, ["unknown", null, null, null]],
].map(([project, name, more, [state, spent, used, breachDate]], index) => {
  const budget = {
    id: id(400 + index), kind: "budget", name, scope: { type: "project", id: PROJECTS[project].id, name: PROJECTS[project].name, deleted: false }, amount: "1000.000000", currency: "USD",
    fx: null, period: "monthly", enforcement: "soft", alerts: [{ threshold: "80", type: "both", basis: "actual" }], revision: 1, revisedAt: NOW, createdAt: NOW, updatedAt: NOW, ...more,
  };
  const current = {
    from: "2026-11-01", to: "2026-12-01", startsAt: NOW, endsAt: NOW, amount: budget.amount, spent, percent: used, basis: "billed", state: "billed", byBasis: [], unpriced: 0, unconverted: [],
    unknownDays: 0, complete: !["partial", "unknown"].includes(state),
  };
  return { ...budget, standing: { state, current, forecast: null, breachDate, asOf: NOW } };
});

/** What the service answers about costs and projects. Changes last as long as the page of the test. */
export function costs() {
  const projects = structuredClone(PROJECTS);
  const members = new Map(projects.map((project) => [project.id, PEOPLE.slice(0, 2)]));
  // The one that a test may make.
  const made = { id: id(299) };
  const answers = {
    "GET /costs/query": (request) => json(query(params(request))),
    "GET /costs/summary": (request) => json(summary(params(request))),
    "GET /budgets": (request) => json(page(BUDGETS.filter(({ scope }) => params(request).get("projectId")?.split(",").includes(scope.id)))),
    "GET /teams": page(TEAMS),
    "GET /organization/members": page(PEOPLE),
    "GET /projects": (request) => {
      const team = params(request).get("teamId");
      return json(page(projects.filter((project) => !team || project.teamId === team)));
    },
    "POST /projects": (request) => {
      const wanted = request.postDataJSON();
      if (projects.some((p) => p.name === wanted.name)) return problem(409, "name_taken");
      const team = TEAMS.find(({ id }) => id === wanted.teamId);
      projects.push(Object.assign(made, PROJECTS.at(-1), { description: null }, wanted, { id: id(299), teamName: team.name }));
      return json(made, 201);
    },
  };
  for (const team of TEAMS) {
    answers[`GET /teams/${team.id}/collection`] = () => json({
      teamId: team.id, status: "healthy", lastRunAt: "2026-11-23T02:58:00Z", lastSuccessAt: "2026-11-23T03:00:00Z",
      lastError: null, nextRunAt: "2026-11-24T00:00:00Z", daysTotal: 7, daysDone: 7, settledBefore: plus(TODAY, -3),
      unattributed: [],
    });
    answers[`GET /teams/${team.id}/provider-projects`] = page([
      { id: "proj_newideaQ7", name: "New idea", archived: false, projectId: null },
      { id: "proj_old", name: "Old experiment", archived: true, projectId: null },
      ...projects.filter((p) => p.openaiProjectId).map((p) => ({
        id: p.openaiProjectId, name: p.name, archived: false, projectId: p.id,
      })),
    ]);
  }
  function serve(project) {
    const path = `/projects/${project.id}`;
    answers[`GET ${path}`] = () => (projects.includes(project) ? json(project) : problem(404, "not_found"));
    answers[`PATCH ${path}`] = (request) => {
      const wanted = request.postDataJSON();
      if (projects.some((p) => p !== project && p.name === wanted.name)) return problem(409, "name_taken");
      Object.assign(project, wanted);
      return json(project);
    };
    answers[`DELETE ${path}`] = () => {
      projects.splice(projects.indexOf(project), 1);
      return { status: 204 };
    };
    answers[`GET ${path}/members`] = () => json(page(members.get(project.id) ?? []));
    for (const person of PEOPLE) {
      answers[`PUT ${path}/members/${person.userId}`] = () => {
        members.set(project.id, [...(members.get(project.id) ?? []), person]);
        return { status: 204 };
      };
      answers[`DELETE ${path}/members/${person.userId}`] = () => {
        members.set(project.id, members.get(project.id).filter((one) => one.userId !== person.userId));
        return { status: 204 };
      };
    }
    answers[`PUT ${path}/openai-project-id`] = (request) => {
      const wanted = request.postDataJSON().openaiProjectId;
      const failures = { proj_unreachable: [422, "openai_project_id_unreachable"], proj_nokey: [409, "admin_key_missing"], proj_down: [503, "provider_unavailable"] };
      if (failures[wanted]) return problem(...failures[wanted]);
      if (projects.some((p) => p !== project && p.openaiProjectId === wanted)) return problem(409, "openai_project_id_taken");
      Object.assign(project, { openaiProjectId: wanted, openaiProjectIdSince: NOW });
      const message = "Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다.";
      return json({ project, message });
    };
    answers[`DELETE ${path}/openai-project-id`] = () => {
      Object.assign(project, { openaiProjectId: null, openaiProjectIdSince: null });
      return { status: 204 };
    };
  }
  [...projects, made].forEach(serve);
  return { ...answers, ...values(projects) };
}

/** Stops the page's clock on the day that the data ends. */
export async function freeze(page) {
  await page.clock.setFixedTime(NOW);
}

export { ORGANIZATION };
