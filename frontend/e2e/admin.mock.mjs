// What the service answers on the pages of the administration, with enough state that a change shows.
import { json, ME, problem } from "./mock.mjs";

const id = (n) => `01936f00-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;

export const MARKETING = id(0xa1);
export const PLATFORM = id(0xa2);
export const RESEARCH = id(0xa3);
export const CHATBOT = id(0xb1);
export const KEY = id(0xc1);
export const OLD_KEY = id(0xc2);
export const COLLEAGUE = id(0xd1);
export const REGISTERED = "Admin API Key가 등록되었습니다 (ends with ...abc1)";

const team = (teamId, name, more) => ({
  id: teamId, name, projectCount: 0, memberCount: 0, hasActiveAdminKey: false, createdAt: "2026-08-03T02:10:00Z", ...more,
});

const project = (projectId, name, owner, openaiProjectId, environment = "production") => ({
  id: projectId, name, description: null, environment, teamId: owner.id, teamName: owner.name, openaiProjectId,
  openaiProjectIdSince: openaiProjectId && "2026-09-01T01:00:00Z", memberCount: 0, createdAt: "2026-08-20T02:00:00Z",
});

export const adminKey = (more) => ({
  id: KEY, provider: "openai", keyType: "admin", masked: "sk-admin-…abc1", last4: "abc1", isActive: true,
  verification: "verified", verificationReason: null, lastVerifiedAt: "2026-11-24T00:00:04Z",
  lastUsedAt: "2026-11-24T00:00:04Z", createdAt: "2026-08-03T02:20:00Z", rotatedAt: null, ...more,
});

export const collection = (teamId, more) => ({
  teamId, status: "healthy", lastRunAt: "2026-11-24T00:00:03Z", lastSuccessAt: "2026-11-24T00:00:21Z", lastError: null,
  nextRunAt: "2026-11-25T00:00:00Z", daysTotal: 7, daysDone: 7, settledBefore: "2026-11-21", unattributed: [], ...more,
});

const UNATTRIBUTED = [
  { openaiProjectId: "proj_2k9QdLx7HaYv", cost: "184.230000", currency: "USD", lastDay: "2026-11-23" },
  { openaiProjectId: null, cost: "12.004500", currency: "USD", lastDay: "2026-11-20" },
  { openaiProjectId: "proj_Zr81mNw3", cost: "0.003500", currency: "USD", lastDay: "2026-11-09" },
];

const MEMBERS = [
  { userId: ME.id, email: ME.email, name: ME.name, role: "admin", lastLoginAt: "2026-11-24T08:12:00Z", createdAt: "2026-08-01T00:00:00Z" },
  { userId: COLLEAGUE, email: "engineer@example.com", name: "박서준", role: "user", lastLoginAt: "2026-11-23T11:40:00Z", createdAt: "2026-08-14T05:00:00Z" },
  { userId: id(0xd2), email: "finance@example.com", name: "이하은", role: "tenant_admin", lastLoginAt: null, createdAt: "2026-10-02T05:00:00Z" },
];

const entry = (n, action, more) => ({
  id: id(0xe0 + n), at: `2026-11-24T0${9 - n}:15:3${n}Z`, actor: { type: "user", id: ME.id, name: ME.email }, action,
  targetType: action.split(".")[0], targetId: MARKETING, targetName: "마케팅팀", before: null, after: null,
  requestId: id(0xf0 + n), ip: "203.0.113.7", ...more,
});

const AUDIT = [
  entry(1, "organization.update", {
    targetId: ME.organization.id, targetName: ME.organization.name,
    before: { ...ME.organization, timeZone: "UTC", retentionDays: 30 }, after: ME.organization,
  }),
  entry(2, "admin_key.rotate", {
    targetId: KEY, targetName: "sk-admin-…abc1",
    before: adminKey({ last4: "9fQ2", masked: "sk-admin-…9fQ2", verification: "rejected" }),
    after: adminKey({ rotatedAt: "2026-11-24T07:15:32Z" }),
  }),
  entry(3, "member.update", { targetId: COLLEAGUE, targetName: "engineer@example.com", before: { role: "tenant_admin" }, after: { role: "user" } }),
  entry(4, "project.register_openai_project_id", {
    targetId: CHATBOT, targetName: "chatbot-experiment", before: { openaiProjectId: null }, after: { openaiProjectId: "proj_abc123" },
  }),
  entry(5, "team.add_member", { after: { member: "engineer@example.com" } }),
  entry(6, "team.create", { actor: { type: "cli", id: null, name: "finops" }, ip: null, after: { name: "마케팅팀" } }),
  entry(7, "price.import", { actor: { type: "system", id: null, name: "daily-batch" }, ip: null, requestId: null, targetId: null, targetName: null }),
];

const page = (data, nextCursor = null) => ({ data, nextCursor });
const gone = { status: 204 };

/** An organization with three teams. `world` may be changed by a test; the answers follow. */
export function established() {
  const marketing = team(MARKETING, "마케팅팀", { projectCount: 2, memberCount: 1, hasActiveAdminKey: true });
  const world = {
    teams: [marketing, team(PLATFORM, "플랫폼팀", { projectCount: 0, memberCount: 0 }), team(RESEARCH, "Research & Evaluation", { projectCount: 1, memberCount: 7, hasActiveAdminKey: true })],
    projects: [project(CHATBOT, "chatbot-experiment", marketing, "proj_abc123"), project(id(0xb2), "광고 문구 생성", marketing, null, "staging")],
    keys: [adminKey(), adminKey({ id: OLD_KEY, masked: "sk-proj-…9fQ2", last4: "9fQ2", isActive: false, verification: "rejected", verificationReason: "unauthorized", lastVerifiedAt: "2026-09-30T00:00:04Z", lastUsedAt: "2026-10-01T00:00:04Z" })],
    collection: collection(MARKETING, { unattributed: UNATTRIBUTED }),
    members: [{ userId: COLLEAGUE, email: "engineer@example.com", name: "박서준", createdAt: "2026-08-15T05:00:00Z" }],
    people: structuredClone(MEMBERS),
    invitations: [{ id: id(0x1a), email: "pm@example.com", role: "user", teamId: MARKETING, expiresAt: "2026-12-01T05:00:00Z", createdAt: "2026-11-24T05:00:00Z" }],
    providerProjects: [
      { id: "proj_abc123", name: "chatbot", archived: false, projectId: CHATBOT },
      { id: "proj_2k9QdLx7HaYv", name: "ad-copy-generator", archived: false, projectId: null },
    ],
    summary: summary("1284.204512"),
    audit: AUDIT,
  };
  return { world, answers: answers(world) };
}

/** An organization that was founded a minute ago. */
export function fresh() {
  const world = {
    teams: [], projects: [], keys: [], collection: collection(MARKETING, { status: "not_configured", lastRunAt: null, lastSuccessAt: null, daysTotal: 0, daysDone: 0, settledBefore: null }),
    members: [], people: structuredClone(MEMBERS.slice(0, 1)), invitations: [],
    providerProjects: [{ id: "proj_abc123", name: "chatbot", archived: false, projectId: null }],
    summary: summary("0.000000"), audit: [],
  };
  return { world, answers: answers(world) };
}

export function summary(total) {
  const known = total !== "0.000000";
  const period = { from: "2026-11-23", to: "2026-11-24", cost: known ? "41.204100" : "0.000000", previousCost: null, changePercent: null, driver: null, settlement: "moving", hasData: known, complete: known };
  return {
    currency: "USD", otherCurrencies: [], basis: "billed", dayZone: "UTC", yesterday: period, lastWeek: period, lastMonth: period, monthToDate: period,
    trend: [{ day: "2026-11-23", cost: known ? "41.204100" : null, settlement: "moving" }], topProjects: [], unattributed: "0.000000", total, nextActions: [],
    freshness: { collectedAt: known ? "2026-11-24T00:00:21Z" : null, settledBefore: "2026-11-21", staleTeams: [] },
  };
}

function costsByTeam(world) {
  const row = (owner, cost) => ({ dimensions: { team: { id: owner.id, name: owner.name } }, cost, currency: "USD", basis: "billed", state: "billed", settlement: "moving" });
  const data = world.teams.filter((owner) => owner.hasActiveAdminKey).map((owner, index) => row(owner, index ? "0.003500" : "1284.204512"));
  return { data, nextCursor: null, totals: [], basis: "billed", from: "2026-10-25", to: "2026-11-24", dayZone: "UTC", freshness: { collectedAt: "2026-11-24T00:00:21Z", settledBefore: "2026-11-21", staleTeams: [] } };
}

/** Answers by "METHOD /path", any team and any key alike; what was asked is in `asked`. */
function answers(world) {
  const routes = [
    ["GET /teams", () => page(world.teams)],
    ["POST /teams", ({ body }) => {
      const made = team(MARKETING, body.name);
      world.teams.push(made);
      return json(made, 201);
    }],
    ["GET /teams/:team", ({ params }) => world.teams.find((t) => t.id === params[0]) ?? problem(404, "not_found")],
    ["PATCH /teams/:team", ({ params, body }) => Object.assign(world.teams.find((t) => t.id === params[0]), body)],
    ["DELETE /teams/:team", () => gone],
    ["GET /teams/:team/members", () => page(world.members)],
    ["PUT /teams/:team/members/:user", ({ params }) => {
      const person = world.people.find((p) => p.userId === params[1]);
      const member = { userId: person.userId, email: person.email, name: person.name, createdAt: "2026-11-24T09:00:00Z" };
      world.members.push(member);
      return member;
    }],
    ["DELETE /teams/:team/members/:user", ({ params }) => {
      world.members = world.members.filter((m) => m.userId !== params[1]);
      return gone;
    }],
    ["GET /teams/:team/admin-keys", () => page(world.keys)],
    ["POST /teams/:team/admin-keys", ({ params }) => {
      const key = adminKey({ lastUsedAt: null });
      world.keys.unshift(key);
      Object.assign(world.teams.find((t) => t.id === params[0]), { hasActiveAdminKey: true });
      world.collection = collection(params[0], { status: "running", lastRunAt: "2026-11-24T09:00:00Z", lastSuccessAt: null, daysTotal: 180, daysDone: 45, settledBefore: null });
      return json({ adminKey: key, message: REGISTERED }, 201);
    }],
    ["POST /teams/:team/admin-keys/:key/verify", ({ params }) => world.keys.find((k) => k.id === params[1])],
    ["POST /teams/:team/admin-keys/:key/rotate", ({ params }) => ({ adminKey: world.keys.find((k) => k.id === params[1]), message: REGISTERED })],
    ["POST /teams/:team/admin-keys/:key/deactivate", ({ params }) => Object.assign(world.keys.find((k) => k.id === params[1]), { isActive: false })],
    ["POST /teams/:team/admin-keys/:key/activate", ({ params }) => Object.assign(world.keys.find((k) => k.id === params[1]), { isActive: true })],
    ["DELETE /teams/:team/admin-keys/:key", ({ params }) => {
      world.keys = world.keys.filter((k) => k.id !== params[1]);
      return gone;
    }],
    ["GET /teams/:team/collection", () => world.collection],
    ["POST /teams/:team/collection", () => {
      Object.assign(world.collection, { status: "running", daysDone: 2 });
      return json(world.collection, 202);
    }],
    ["GET /teams/:team/provider-projects", () => page(world.providerProjects)],
    ["GET /projects", ({ query }) => page(world.projects.filter((p) => !query.get("teamId") || p.teamId === query.get("teamId")))],
    ["POST /projects", ({ body }) => {
      const made = { ...project(id(0xb9), body.name, world.teams.find((t) => t.id === body.teamId), null), environment: body.environment };
      world.projects.push(made);
      return json(made, 201);
    }],
    ["PUT /projects/:project/openai-project-id", ({ params, body }) => {
      const found = world.projects.find((p) => p.id === params[0]);
      Object.assign(found, body);
      world.collection.unattributed = world.collection.unattributed.filter((u) => u.openaiProjectId !== body.openaiProjectId);
      return { project: found, message: "Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다." };
    }],
    ["GET /costs/query", () => costsByTeam(world)],
    ["GET /costs/summary", () => world.summary],
    ["GET /alerts", () => page([])],
    ["GET /blocks", () => page([])],
    ["GET /usage-events", () => page(world.events ?? [])],
    ["GET /organization", () => ME.organization],
    ["PATCH /organization", ({ body }) => ({ ...ME.organization, ...body })],
    ["GET /organization/members", () => page(world.people)],
    ["PATCH /organization/members/:user", ({ params, body }) => Object.assign(world.people.find((p) => p.userId === params[0]), body)],
    ["DELETE /organization/members/:user", ({ params }) => {
      world.people = world.people.filter((p) => p.userId !== params[0]);
      return gone;
    }],
    ["GET /invitations", () => page(world.invitations)],
    ["POST /invitations", ({ body }) => {
      const invitation = { id: id(0x1b), teamId: null, ...body, expiresAt: "2026-12-01T09:00:00Z", createdAt: "2026-11-24T09:00:00Z" };
      world.invitations.unshift(invitation);
      return json({ invitation, token: "fin_inv_secret", link: "http://localhost:8080/register#invite=fin_inv_secret" }, 201);
    }],
    ["DELETE /invitations/:invitation", ({ params }) => {
      world.invitations = world.invitations.filter((i) => i.id !== params[0]);
      return gone;
    }],
    ["GET /auth/me", () => ME],
    ["PATCH /auth/me", ({ body }) => ({ ...ME, ...body })],
    ["POST /auth/logout", () => gone],
    ["DELETE /auth/sessions", () => gone],
    ["POST /auth/password", ({ body }) => (body.currentPassword === "wrong" ? problem(422, "validation_failed", [{ pointer: "/currentPassword", code: "wrong", message: "is not the current password" }]) : gone)],
    ["GET /audit-log", ({ query }) => page(world.audit.filter((e) => e.action.startsWith(query.get("action") ?? "") && (!query.get("targetId") || e.targetId === query.get("targetId"))))],
  ];
  return routes;
}

/** Opens the app as somebody who is signed in to `world`. `over` replaces single answers, by their "METHOD /path". */
export async function enter(page, { answers: routes }, over = {}, me = ME) {
  const asked = [];
  const session = { accessToken: "mock", tokenType: "Bearer", expiresIn: 900, user: me };
  const compiled = routes.map(([pattern, answer]) => [new RegExp(`^${pattern.replace(/:\w+/g, "([^/]+)")}$`), over[pattern] ?? answer]);
  await page.route("**/api/**", async (route) => {
    const request = route.request();
    const { pathname, searchParams } = new URL(request.url());
    const line = `${request.method()} ${pathname.slice("/api".length)}`;
    const body = request.postData() ? request.postDataJSON() : null;
    asked.push({ line, body, query: searchParams.toString() });
    if (line === "POST /auth/refresh") return route.fulfill(json(session));
    for (const [pattern, answer] of compiled) {
      const match = pattern.exec(line);
      if (!match) continue;
      const made = await answer({ params: match.slice(1), query: searchParams, body, request });
      return route.fulfill(typeof made.status === "number" ? made : json(made));
    }
    return route.fulfill(problem(404, "not_found"));
  });
  await page.addInitScript(() => localStorage.setItem("finops.session", "1"));
  return asked;
}
