// What the service answers about alerts, channels and deliveries, with enough state that a change shows.
import { CHATBOT, MARKETING, PLATFORM } from "./admin.mock.mjs";
import { budgeted, LIMIT, MONTHLY } from "./budgets.mock.mjs";
import { json, ME, problem } from "./mock.mjs";

const id = (n) => `01936f00-0000-7000-8000-${(0xa000 + n).toString(16).padStart(12, "0")}`;
const page = (data, nextCursor = null) => ({ data, nextCursor });
const gone = { status: 204 };

export const RUNAWAY = id(1);
export const FORECAST = id(2);
export const UNPRICED = id(3);
export const OVER = id(4);
export const SLACK = id(0x11);
export const HOOK = id(0x12);
export const MAIL = id(0x13);
export const PHONE = id(0x14);
export const PAGER = id(0x15);
export const BUILT_IN = id(0x16);
export const TOLD = id(0x21);
export const DEAD = id(0x22);
export const RETRYING = id(0x23);
export const SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

const chatbot = { id: CHATBOT, name: "chatbot-experiment" };
const marketing = { id: MARKETING, name: "마케팅팀" };
const me = { id: ME.id, name: ME.name };
const scope = (type, more) => ({ type, id: null, name: null, deleted: false, ...more });
const link = (action, path, label) => ({ action, label, path });

const alert = (alertId, subject, more) => ({
  id: alertId, kind: "budget", severity: "warning", status: "open", subject, text: "", team: null, project: null, scope: null, budget: null, compared: null, cause: null,
  unpriced: null, links: [link("open", `/alerts/${alertId}`, "상세 보기")], raisedAt: "2026-11-24T08:56:00Z", acknowledged: null, resolved: null, ...more,
});

const ALERTS = [
  alert(RUNAWAY, "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)", {
    severity: "critical", team: marketing, project: chatbot, scope: scope("project", chatbot),
    text: "chatbot-experiment 프로젝트 · 11월 24일\n오늘 $742, 평소($50) 대비 1,384% 증가\n호출 45,000회, 평소의 15배 · 가장 많이 늘어난 것: 모델 gpt-5.4 ($701.50, 평소 $41.20), 키 sk-…9fQ2 ($699.12, 평소 $38)",
    budget: {
      id: LIMIT, name: "chatbot-experiment", kind: "limit", period: "daily", from: "2026-11-24", to: "2026-11-25", enforcement: "soft", threshold: "100", basis: "actual", action: "both",
      amount: "500.000000", figure: "742.000000", percent: "148.4", currency: "USD",
    },
    compared: { day: "2026-11-24", spent: "742.000000", usual: "50.000000", change: "1384", currency: "USD" },
    cause: {
      calls: 45_000, usualCalls: 3_000, project: null, model: { id: "gpt-5.4", name: "gpt-5.4", cost: "701.500000", usual: "41.200000" },
      apiKey: { id: "key_9fQ2", name: "sk-…9fQ2", cost: "699.120000", usual: "38.000000" }, service: { id: "chatbot", name: "chatbot", cost: "690.000000", usual: "0.000000" },
    },
    links: [link("block", `/block/project:${CHATBOT}?alert=${RUNAWAY}`, "지금 차단하기"), link("open", `/alerts/${RUNAWAY}`, "상세 보기"), link("budget", `/budgets/${LIMIT}`, "예산 보기")],
  }),
  alert(FORECAST, "[가나다 커머스] 이대로면 월 예산 $1,000의 100%를 넘겨요 - 예상 $1,018.35 (101%)", {
    text: "2026년 AI 예산 예산 · 11월 1일 – 11월 30일", scope: scope("organization"), raisedAt: "2026-11-24T02:10:00Z", status: "acknowledged", acknowledged: { at: "2026-11-24T02:30:00Z", by: me },
    budget: {
      id: MONTHLY, name: "2026년 AI 예산", kind: "budget", period: "monthly", from: "2026-11-01", to: "2026-12-01", enforcement: "soft", threshold: "100", basis: "forecast", action: "both",
      amount: "1000.000000", figure: "1018.350000", percent: "101.83", currency: "USD",
    },
  }),
  alert(UNPRICED, "[가나다 커머스] 가격을 모르는 호출이 있어요 - openai / gpt-9-preview", {
    kind: "unpriced", severity: "info", text: "지난 7일 동안 120건이 들어왔지만 가격표에 이 모델이 없어서 비용에 더하지 못했어요. 가격을 추가하고 다시 계산하면 비용에 반영돼요.", raisedAt: "2026-11-23T11:00:00Z", unpriced: { provider: "openai", model: "gpt-9-preview", calls: 120 },
    links: [link("prices", "/pricebook?tab=unpriced", "가격 추가하기"), link("open", `/alerts/${UNPRICED}`, "상세 보기")],
  }),
  alert(OVER, "[스테이징] 월 예산 $500의 90% 도달 - 현재 $455 (91%)", {
    severity: "error", scope: scope("environment", { id: "staging" }), raisedAt: "2026-11-20T05:00:00Z", status: "resolved", acknowledged: { at: "2026-11-20T05:10:00Z", by: me }, resolved: { at: "2026-11-21T00:00:00Z", by: null },
    budget: {
      id: MONTHLY, name: "스테이징", kind: "budget", period: "monthly", from: "2026-11-01", to: "2026-12-01", enforcement: "hard", threshold: "90", basis: "actual", action: "email",
      amount: "500.000000", figure: "455.000000", percent: "91", currency: "USD",
    },
  }),
];

const fine = { state: "ok", since: null, reason: null };

export const channel = (channelId, type, name, more) => ({
  id: channelId, type, name, locale: "ko", team: null, enabled: true, builtIn: false, addresses: [], numbers: [], smtp: null, account: null, masked: null, health: fine, formerSecretUntil: null,
  createdAt: "2026-10-01T00:00:00Z", updatedAt: "2026-11-20T00:00:00Z", ...more,
});

const CHANNELS = [
  channel(SLACK, "slack", "FinOps Slack", { masked: "https://hooks.slack.com/…9fQ2" }),
  channel(HOOK, "webhook", "정산 시스템", { masked: "https://hooks.example.com/…c81d", team: marketing, health: { state: "failing", since: "2026-11-24T07:00:00Z", reason: "unavailable" }, formerSecretUntil: "2026-11-25T07:00:00Z" }),
  channel(MAIL, "email", "재무팀", { locale: "en", addresses: ["finance@example.com", "controller@example.com"], smtp: { host: "smtp.example.com", port: 587, security: "starttls", username: "alerts", from: "FinOps <alerts@example.com>" } }),
  channel(PHONE, "sms", "당직", { numbers: ["+821012345678"], enabled: false }),
  channel(PAGER, "pagerduty", "온콜", { masked: "…e4f1", health: { state: "disabled", since: "2026-11-20T07:00:00Z", reason: "unauthorized" } }),
  channel(BUILT_IN, "slack", "SLACK_WEBHOOK_URL", { builtIn: true, masked: "https://hooks.slack.com/…0001" }),
];

const delivery = (deliveryId, type, subject, more) => ({
  id: deliveryId, type, channel: null, recipient: null, locale: "ko", kind: "alert.triggered", alertId: RUNAWAY, subject, status: "delivered", reason: null, fallback: false,
  attempts: 1, nextAttemptAt: null, digestId: null, createdAt: "2026-11-24T08:56:01Z", finishedAt: "2026-11-24T08:56:02Z", ...more,
});

const SUBJECT = ALERTS[0].subject;
const DELIVERIES = [
  delivery(TOLD, "slack", SUBJECT, { channel: { id: SLACK, name: "FinOps Slack", deleted: false } }),
  delivery(RETRYING, "webhook", SUBJECT, { channel: { id: HOOK, name: "정산 시스템", deleted: false }, status: "retrying", reason: "unavailable", attempts: 3, nextAttemptAt: "2026-11-24T09:02:11Z", finishedAt: null }),
  delivery(DEAD, "pagerduty", SUBJECT, { channel: { id: PAGER, name: "온콜", deleted: false }, status: "dead", reason: "unauthorized", attempts: 2 }),
  delivery(id(0x24), "email", SUBJECT, { recipient: "owner@example.com", fallback: true }),
  delivery(id(0x25), "slack", "테스트 메시지", { channel: { id: SLACK, name: "FinOps Slack", deleted: false }, kind: "channel.test", alertId: null, createdAt: "2026-11-23T08:56:01Z" }),
  delivery(id(0x26), "sms", "알림 4건을 모았어요", { channel: { id: id(0x19), name: "예전 당직", deleted: true }, recipient: "+821012345678", kind: "digest", status: "held", attempts: 0, nextAttemptAt: "2026-11-24T09:10:00Z", finishedAt: null }),
  delivery(id(0x27), "slack", "차단했어요: 프로젝트 chatbot-experiment", { channel: { id: SLACK, name: "FinOps Slack", deleted: false }, kind: "block.active", alertId: null }),
];

const attempt = (number, outcome, more) => ({ number, at: `2026-11-24T08:56:0${number}Z`, outcome, reason: null, status: 200, code: null, said: null, providerId: null, durationMs: 182, retryAfter: null, ...more });

const HISTORY = {
  [RETRYING]: [
    attempt(1, "interrupted", { status: null, durationMs: null }),
    attempt(2, "failed", { reason: "rate_limited", status: 429, said: "slow down, please", retryAfter: 30 }),
    attempt(3, "failed", { reason: "unavailable", status: null, code: "timeout", durationMs: 10_000 }),
  ],
  [DEAD]: [attempt(1, "failed", { reason: "unauthorized", status: 401, said: "invalid routing key" }), attempt(2, "failed", { reason: "unauthorized", status: 401, said: "invalid routing key" })],
};

/** An organization that was told something. `world` may be changed by a test; the answers follow. */
export function alerted() {
  const base = budgeted();
  const world = Object.assign(base.world, {
    alerts: structuredClone(ALERTS), channels: structuredClone(CHANNELS), deliveries: structuredClone(DELIVERIES), rule: { kind: "unpriced", enabled: true, type: "both" }, blocks: [],
  });
  return { world, answers: [...alerts(world), ...channels(world), ...deliveries(world), ...base.answers] };
}

function alerts(world) {
  const find = (wanted) => world.alerts.find((one) => one.id === wanted);
  const advance = (status, mark) => ({ params }) => Object.assign(find(params[0]), { status, [mark]: { at: "2026-11-24T09:00:00Z", by: me } });
  const is = (query, name, value) => !query.get(name) || query.get(name) === value;
  return [
    ["GET /alerts", ({ query }) => page(world.alerts.filter((one) => is(query, "status", one.status) && is(query, "severity", one.severity) && is(query, "kind", one.kind) && is(query, "projectId", one.project?.id) && is(query, "budgetId", one.budget?.id)))],
    ["GET /alerts/rules", () => page([world.rule])],
    ["PUT /alerts/rules", ({ body }) => Object.assign(world.rule, body)],
    ["POST /alerts/test", () => json({ deliveries: 2, subject: "[테스트] 월간 예산" }, 202)],
    ["GET /alerts/:alert", ({ params }) => find(params[0]) ?? problem(404, "not_found")],
    ["POST /alerts/:alert/acknowledge", advance("acknowledged", "acknowledged")],
    ["POST /alerts/:alert/resolve", advance("resolved", "resolved")],
  ];
}

function channels(world) {
  const find = (wanted) => world.channels.find((one) => one.id === wanted);
  const masked = ({ url, routingKey, account }) => url?.replace(/^(https:\/\/[^/]+\/).*(.{4})$/, "$1…$2") ?? (routingKey ?? account?.key)?.replace(/.*(.{4})$/, "…$1") ?? null;
  const shown = ({ teamId, url, routingKey, smtp, account, ...said }) => ({
    ...said, ...(teamId !== undefined && { team: teamId ? world.teams.find((one) => one.id === teamId) : null }), ...((url || routingKey || account?.key) && { masked: masked({ url, routingKey, account }) }),
    ...(account !== undefined && { account: account && { accountSid: null, ...account, key: undefined } }), ...(smtp !== undefined && { smtp: smtp && { port: 587, username: null, ...smtp, password: undefined } }),
  });
  return [
    ["GET /channels", ({ query }) => {
      const from = Number(query.get("cursor") ?? 0);
      const rest = world.channels.slice(from, from + 200);
      return page(rest, from + 200 < world.channels.length ? String(from + 200) : null);
    }],
    ["POST /channels", ({ body }) => {
      const made = channel(id(0x18), body.type, body.name, shown(body));
      world.channels.unshift(made);
      return json({ ...made, secret: body.type === "webhook" ? SECRET : null }, 201);
    }],
    ["PATCH /channels/:channel", ({ params, body }) => Object.assign(find(params[0]), shown(body), body.enabled && { health: fine })],
    ["DELETE /channels/:channel", ({ params }) => {
      world.channels = world.channels.filter((one) => one.id !== params[0]);
      return gone;
    }],
    ["POST /channels/:channel/rotate-secret", ({ params }) => ({ ...Object.assign(find(params[0]), { formerSecretUntil: "2026-11-25T09:00:00Z" }), secret: SECRET })],
    ["POST /channels/:channel/test", ({ params }) => {
      const one = find(params[0]);
      const arrives = one.enabled && one.health.state === "ok";
      const told = delivery(id(0x2f), one.type, "테스트 메시지", { channel: { id: one.id, name: one.name, deleted: false }, kind: "channel.test", alertId: null, status: arrives ? "delivered" : "dead", reason: arrives ? null : "unavailable" });
      const history = [arrives ? attempt(1, "delivered") : attempt(1, "failed", { reason: "unavailable", status: 503, said: "upstream connect error" })];
      return { delivered: arrives, deliveries: [{ ...told, text: "테스트 메시지예요.", history }], channel: one };
    }],
  ];
}

function deliveries(world) {
  const find = (wanted) => world.deliveries.find((one) => one.id === wanted);
  const is = (query, name, value) => !query.get(name) || query.get(name) === value;
  return [
    ["GET /deliveries", ({ query }) => page(world.deliveries.filter((one) => is(query, "status", one.status) && is(query, "channelId", one.channel?.id) && is(query, "alertId", one.alertId)))],
    ["GET /deliveries/:delivery", ({ params }) => {
      const one = find(params[0]);
      return one ? { ...one, text: ALERTS[0].text, history: HISTORY[one.id] ?? (one.attempts ? [attempt(1, "delivered", { providerId: "ok" })] : []) } : problem(404, "not_found");
    }],
    ["POST /deliveries/:delivery/resend", ({ params }) => {
      Object.assign(find(params[0]), { status: "pending", reason: null, finishedAt: null });
      return { status: 202 };
    }],
  ];
}

export { PLATFORM };
