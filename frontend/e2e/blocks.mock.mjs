// What the service answers about emergency blocks, with enough state that a change shows.
import { CHATBOT, COLLEAGUE, KEY, MARKETING } from "./admin.mock.mjs";
import { alerted, RUNAWAY } from "./alerts.mock.mjs";
import { LIMIT } from "./budgets.mock.mjs";
import { json, ME, problem } from "./mock.mjs";

const id = (n) => `01936f00-0000-7000-8000-${(0xb000 + n).toString(16).padStart(12, "0")}`;
const page = (data, nextCursor = null) => ({ data, nextCursor });

export const ACTIVE = id(1);
export const WAITING = id(2);
export const LIFTING = id(3);
export const LIFTED = id(4);
export const BOT = id(0x31);

const me = { id: ME.id, name: ME.name };
const colleague = { id: COLLEAGUE, name: "박서준" };
const marketing = { id: MARKETING, name: "마케팅팀" };
const TARGETS = {
  project: { type: "project", id: CHATBOT, name: "chatbot-experiment", deleted: false },
  admin_key: { type: "admin_key", id: KEY, name: "sk-admin-…abc1", deleted: false },
  api_key: { type: "api_key", id: BOT, name: "챗봇 SDK", deleted: false },
};

export const stop = (more) => ({
  openaiProjectId: "proj_abc123", state: "clamped", wanted: true, means: "spend_limit", errorCode: null, error: null, failures: 0, leftAlone: 0, changedAt: "2026-11-24T08:58:09Z", ...more,
});

export const block = (blockId, target, more) => ({
  id: blockId, target: TARGETS[target], team: marketing, mode: "stop", limitPerMinute: null, status: "active", cause: "manual", reason: "끝나지 않는 반복 호출로 보여요.", alertId: null, budgetId: null,
  requestedBy: me, requestedAt: "2026-11-24T08:58:00Z", decidedBy: null, activatedAt: "2026-11-24T08:58:00Z", liftRequest: null, liftedBy: null, liftedAt: null, liftReason: null, ended: null, restoration: null,
  openaiProjectId: null, atProvider: false, provider: [], mayApprove: false, mayLift: true, ...more,
});

const BLOCKS = [
  block(ACTIVE, "project", { alertId: RUNAWAY, openaiProjectId: "proj_abc123", atProvider: true, provider: [stop()] }),
  block(WAITING, "admin_key", { status: "requested", activatedAt: null, requestedBy: colleague, reason: "키가 유출된 것 같아요.", mayApprove: true, mayLift: false, requestedAt: "2026-11-24T08:40:00Z" }),
  block(LIFTING, "api_key", {
    cause: "budget", requestedBy: null, budgetId: LIMIT, mode: "throttle", limitPerMinute: 60, reason: "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)", requestedAt: "2026-11-23T08:40:00Z", activatedAt: "2026-11-23T08:40:00Z",
    liftRequest: { by: colleague, at: "2026-11-24T08:00:00Z", reason: "반복 호출을 고쳤어요." }, mayApprove: true, mayLift: false,
  }),
  block(LIFTED, "project", {
    status: "lifted", requestedAt: "2026-11-10T08:00:00Z", activatedAt: "2026-11-10T08:00:00Z", liftedBy: colleague, liftedAt: "2026-11-10T09:30:00Z", liftReason: "문제를 해결했어요.", ended: "lifted", restoration: "project_id_returned",
    openaiProjectId: "proj_abc123", atProvider: true, mayLift: false, provider: [stop({ state: "restored", wanted: false, leftAlone: 2 })],
  }),
  block(id(5), "project", { target: { ...TARGETS.project, name: "그만둔 실험", deleted: true }, status: "lifted", requestedBy: null, team: null, requestedAt: "2026-10-10T08:00:00Z", activatedAt: "2026-10-10T08:00:00Z", liftedAt: "2026-10-11T08:00:00Z", ended: "deleted", restoration: "nothing", mayLift: false }),
  block(id(6), "api_key", { status: "declined", activatedAt: null, decidedBy: me, requestedBy: colleague, requestedAt: "2026-10-02T08:00:00Z", liftedBy: me, liftedAt: "2026-10-02T09:00:00Z", liftReason: "지금은 필요하지 않아요.", ended: "lifted", mayLift: false }),
];

const user = (by) => ({ type: "user", id: by.id, name: by.name });
const entry = (action, at, actor, reason = null) => ({ at, actor, action, reason, before: null, after: null });
const history = (one) => [
  ...(one.provider.length ? [entry(`block.provider_${one.provider[0].state}`, "2026-11-24T08:58:09Z", { type: "system", id: null, name: "stopper" })] : []),
  ...(one.liftRequest ? [entry("block.request_lift", one.liftRequest.at, user(one.liftRequest.by), one.liftRequest.reason)] : []),
  entry("block.create", one.requestedAt, one.requestedBy ? user(one.requestedBy) : { type: "system", id: null, name: "budgets" }, one.reason),
];

const usage = (calls, cost, unpriced = 0) => ({ calls, cost, currency: "USD", unpriced });
const service = (name, calls) => ({ name, calls, lastCallAt: "2026-11-24T08:00:00Z" });
const project = (name, services, projectId = CHATBOT) => ({
  id: projectId, name, environment: "production", openaiProjectId: "proj_abc123", day: usage(45_000, "742.000000"), week: usage(66_000, "1040.000000"), services,
});

const goesOn = (code, text) => ({ code, text });

/** What stopping one of these would do. */
export function preview(type, more) {
  const base = {
    target: TARGETS[type], team: marketing, mode: "stop", blockId: null, projects: [project("chatbot-experiment", [service("chatbot", 41_000), service("tutor-svc", 3_200), service("batch-summaries", 12)])],
    day: usage(45_000, "742.000000"), week: usage(66_000, "1040.000000"), apiKeys: [{ id: BOT, name: "챗봇 SDK", refused: false, calls: 44_000, lastUsedAt: "2026-11-24T08:59:00Z" }],
    provider: { allowed: true, willClamp: true, means: ["spend_limit", "rate_limits"], openaiProjectIds: ["proj_abc123"] }, people: [me, colleague],
    notStopped: [goesOn("unguarded", "호출 전에 가드를 묻지 않는 프로그램은 계속 호출할 수 있어요."), goesOn("other_providers", "OpenAI가 아닌 공급자의 호출은 계속돼요.")],
    needsApproval: false, mayBlock: true, liftedBy: [me],
  };
  if (type === "admin_key") Object.assign(base, { projects: [...base.projects, project("광고 문구 생성", [service("ad-copy", 900)], id(0x41))], provider: { ...base.provider, openaiProjectIds: ["proj_abc123", "proj_2k9QdLx7HaYv"] } });
  if (type === "api_key") Object.assign(base, { day: usage(44_000, "690.000000", 12), apiKeys: [{ ...base.apiKeys[0], refused: true }], provider: { allowed: false, willClamp: false, means: [], openaiProjectIds: [] }, notStopped: [goesOn("provider_keys", "공급자의 키로 직접 부르는 호출은 계속돼요.")] });
  return { ...base, ...more };
}

/** An organization with blocks. `world` may be changed by a test; the answers follow. */
export function blocked() {
  const base = alerted();
  const world = Object.assign(base.world, { blocks: structuredClone(BLOCKS), preview: {} });
  return { world, answers: [...blocks(world), ...base.answers] };
}

/** The same before anything is blocked. */
export function calm() {
  const setup = blocked();
  setup.world.blocks = [];
  return setup;
}

function blocks(world) {
  const find = (wanted) => world.blocks.find((one) => one.id === wanted);
  const end = { liftedBy: me, liftedAt: "2026-11-24T09:00:00Z", ended: "lifted", mayApprove: false, mayLift: false };
  return [
    ["GET /blocks", ({ query }) => page(world.blocks.filter((one) => [["status", one.status], ["targetType", one.target.type]].every(([name, value]) => !query.get(name) || query.get(name) === value)))],
    ["POST /blocks/preview", ({ body }) => {
      const said = preview(body.target.type, world.preview);
      const willClamp = said.provider.allowed && body.mode !== "throttle" && (body.atProvider ?? said.provider.willClamp);
      const apiKeys = said.apiKeys.map((key) => ({ ...key, refused: key.refused && body.mode !== "throttle" }));
      // A stop takes the place of a throttle.
      const open = world.blocks.find((one) => one.id === said.blockId);
      const blockId = open?.mode === "throttle" && body.mode === "stop" ? null : said.blockId;
      return { ...said, blockId, mode: body.mode, apiKeys, provider: { ...said.provider, willClamp } };
    }],
    ["POST /blocks", ({ body }) => {
      const waits = world.preview.needsApproval;
      const made = block(id(9), body.target.type, {
        reason: body.reason, mode: body.mode, limitPerMinute: body.limitPerMinute ?? null, alertId: body.alertId ?? null, atProvider: !!body.atProvider, provider: body.atProvider && !waits ? [stop({ state: "clamping", means: null })] : [], requestedAt: "2026-11-24T09:00:00Z",
        ...(waits ? { status: "requested", activatedAt: null, mayLift: false } : { activatedAt: "2026-11-24T09:00:00Z" }),
      });
      world.blocks.unshift(made);
      return json(made, 201);
    }],
    ["GET /blocks/:block", ({ params }) => (find(params[0]) ? { ...find(params[0]), history: history(find(params[0])) } : problem(404, "not_found"))],
    ["POST /blocks/:block/approve", ({ params }) => {
      const one = find(params[0]);
      return Object.assign(one, { decidedBy: me, mayApprove: false }, one.status === "requested" ? { status: "active", activatedAt: "2026-11-24T09:00:00Z", mayLift: true } : { status: "lifted", liftRequest: null, ...end });
    }],
    ["POST /blocks/:block/decline", ({ params, body }) => {
      const one = find(params[0]);
      return Object.assign(one, one.status === "requested" ? { status: "declined", decidedBy: me, liftReason: body.reason, ...end } : { liftRequest: null, mayApprove: false, mayLift: true });
    }],
    ["POST /blocks/:block/lift", ({ params, body }) => {
      const one = find(params[0]);
      return Object.assign(one, world.preview.needsApproval ? { liftRequest: { by: me, at: "2026-11-24T09:00:00Z", reason: body.reason }, mayLift: false } : { status: "lifted", liftReason: body.reason, ...end });
    }],
  ];
}
