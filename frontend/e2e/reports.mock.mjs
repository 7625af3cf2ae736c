// What the service answers about the weekly report, with enough state that a change shows.
import { CHATBOT, established, MARKETING } from "./admin.mock.mjs";
import { ME, ORGANIZATION, problem } from "./mock.mjs";

const id = (n) => `01936f00-0000-7000-8000-${(0xa000 + n).toString(16).padStart(12, "0")}`;
const page = (data, nextCursor = null) => ({ data, nextCursor });

export const LAST = "2026-11-16";
export const BEFORE = "2026-11-09";
const plus = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

const TEAM = { id: MARKETING, name: "마케팅팀" };
const PLATFORM = { id: id(1), name: "플랫폼팀" };

const ranked = (n, name, team, cost, successes, failures, scores, mean, suggestion, more) => ({
  project: { id: n ? id(n) : CHATBOT, name }, team, openaiProjectId: n ? null : "proj_abc123", measure: "cost_per_success", cost,
  previousCost: n ? (Number(cost) * 1.1).toFixed(6) : null, changePercent: n ? "-9.1" : null, basis: "events", unpriced: 0, successes, failures,
  successRate: successes === null ? null : ((100 * successes) / (successes + failures)).toFixed(2), costPerSuccess: successes ? (Number(cost) / successes).toFixed(12) : null,
  feedbackScores: scores, feedbackMean: mean, feedbackPerDollar: mean && ((scores * Number(mean)) / Number(cost)).toFixed(6),
  suggestion: { amount: null, share: null, model: null, otherModel: null, path: `/projects/${n ? id(n) : CHATBOT}?tab=value`, ...suggestion }, ...more,
});

const REPORT = {
  organization: ORGANIZATION.name, from: LAST, to: plus(LAST, 7), timeZone: "Asia/Seoul",
  total: {
    cost: "1240.504512", basis: "mixed", state: "estimated", byBasis: [{ basis: "billed", cost: "1102.400000" }, { basis: "events", cost: "138.104512" }], unpriced: 0, unknownDays: 0,
    unconverted: [], complete: true, previousCost: "1102.670000", changePercent: "12.5",
  },
  measured: 8,
  best: [
    ranked(11, "검색 요약", PLATFORM, "18.400000", 4_120, 91, 310, "4.620000", { kind: "keep" }),
    ranked(12, "상품 추천", PLATFORM, "120.104000", 9_310, 402, 0, null, { kind: "set_budget", amount: "514.731428", path: `/budgets?new=budget&projectId=${id(12)}` }),
    ranked(13, "FAQ 응답", TEAM, "9.204000", null, null, 212, "4.100000", { kind: "record_outcomes" }, { measure: "feedback_per_dollar" }),
  ],
  worst: [
    ranked(0, "chatbot-experiment", TEAM, "742.104500", 1_116, 354, 412, "3.205000", { kind: "fix_failures", amount: "178.710000", share: "24.08" }, { unpriced: 12 }),
    ranked(14, "광고 문구 생성", TEAM, "210.300000", 1_480, 120, 88, "3.910000", { kind: "cheaper_model", amount: "96.300000", share: "91.2", model: "gpt-5.4", otherModel: "gpt-5.4-mini" }),
    ranked(15, "문서 분류", PLATFORM, "64.020000", 902, 31, 0, null, { kind: "use_cache", amount: "4.120000", share: "3.1" }),
  ],
  notMeasured: [
    { project: { id: id(21), name: "번역 배치" }, cost: "61.200000" },
    { project: { id: id(22), name: "agent-evals" }, cost: "15.171012" },
    { project: { id: id(23), name: "new-idea" }, cost: null },
  ],
  notMeasuredCount: 5,
  alertsRaised: 4,
  openAlerts: [
    { id: id(31), kind: "budget", severity: "critical", status: "open", budget: "chatbot-experiment", threshold: "100", project: { id: CHATBOT, name: "chatbot-experiment" }, raisedAt: "2026-11-20T05:12:00Z" },
    { id: id(32), kind: "unpriced", severity: "warning", status: "acknowledged", budget: null, threshold: null, project: null, raisedAt: "2026-11-18T02:00:00Z" },
  ],
  blocks: [
    { id: id(41), targetType: "project", target: "chatbot-experiment", byBudget: true, activatedAt: "2026-11-20T05:12:03Z", liftedAt: null },
    { id: id(42), targetType: "api_key", target: "마케팅팀 …abc1", byBudget: false, activatedAt: "2026-11-17T01:00:00Z", liftedAt: "2026-11-17T03:30:00Z" },
  ],
  sentAt: "2026-11-23T00:00:04Z",
};

/** A week that was not sent, of which not all is known and that cannot be compared. */
const EARLIER = {
  ...REPORT, from: BEFORE, to: LAST, sentAt: null,
  total: { ...REPORT.total, cost: "1102.670000", byBasis: [], basis: "billed", unpriced: 12, unknownDays: 2, unconverted: [{ cost: "12.500000", currency: "EUR" }], complete: false, previousCost: null, changePercent: null },
  measured: 0, best: [], worst: [], notMeasured: [], notMeasuredCount: 0, alertsRaised: 0, openAlerts: [], blocks: [],
};

const silent = (from) => ({ ...EARLIER, from, to: plus(from, 7), total: { ...EARLIER.total, cost: null, basis: "billed", unpriced: 0, unknownDays: 7, unconverted: [] } });

/** An e-mail as the service makes them: styles in place, names escaped. */
const mail = (locale) => {
  const ko = locale === "ko";
  const subject = ko ? `[${ORGANIZATION.name}] 지난주 AI 비용 $1,240.50 (12.5% 증가)` : "[Example] AI costs of last week: $1,240.50 (12.5% more)";
  const line = (name, value) => `<tr><td style="padding:8px 16px 8px 0;color:#58616a">${name}</td><td style="padding:8px 0;text-align:right;font-weight:600">${value}</td></tr>`;
  const body = [
    `<h1 style="font-size:20px;line-height:28px;margin:0 0 16px">${subject}</h1>`,
    `<p style="margin:0 0 12px">${ko ? "지난주에 $1,240.50를 사용했습니다. 그 전주보다 12.5% 늘었습니다." : "Last week cost $1,240.50, which is 12.5% more than the week before."}</p>`,
    `<table role="presentation" style="border-collapse:collapse;margin:16px 0;width:100%">`,
    ...REPORT.best.concat(REPORT.worst).map((one) => line(ko ? one.project.name : "Project &lt;b&gt;", `$${one.cost.slice(0, -4)}`)),
    `</table><p style="margin:24px 0"><a href="http://127.0.0.1/reports/weekly" style="display:inline-block;padding:10px 16px;border-radius:6px;text-decoration:none;background:#0b50d0;color:#ffffff">${ko ? "리포트 보기" : "Open the report"}</a></p>`,
    `<p style="margin:0;color:#58616a;font-size:12px">${ko ? "조직의 주간 리포트를 받도록 등록된 주소입니다." : "You get this because you are a recipient of the weekly report."}</p>`,
  ].join("");
  return {
    week: LAST, locale, subject, text: `${subject}\n\n${ko ? "지난주에 $1,240.50를 사용했습니다." : "Last week cost $1,240.50."}\n`,
    html: `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><title>${subject}</title><meta name="color-scheme" content="light dark"></head><body style="margin:0;padding:24px;background:#f4f5f6"><div style="max-width:560px;margin:0 auto;padding:24px;border-radius:12px;background:#ffffff;color:#1e2124;font:14px/22px sans-serif">${body}<script>window.top.document.title = "ran"</script></div></body></html>`,
  };
};

const done = (kind, action, target, at, more) => ({ kind, action, target, actor: ME.email, byReader: false, shareChange: null, at, ...more });

const EFFECTS = [
  {
    week: LAST, sentAt: "2026-11-23T00:00:04Z", opened: 2, clicked: 1,
    readers: [
      { email: ME.email, openedAt: "2026-11-23T00:12:00Z", clickedAt: "2026-11-23T00:13:20Z" },
      { email: "finance@example.com", openedAt: "2026-11-23T05:40:00Z", clickedAt: null },
      { email: "ceo@example.com", openedAt: null, clickedAt: null },
    ],
    actions: [
      done("budget", "budget.create", "상품 추천", "2026-11-23T00:20:00Z", { byReader: true }),
      done("block", "block.create", "chatbot-experiment", "2026-11-23T01:02:00Z", { actor: "finance@example.com" }),
      done("model", null, "gpt-5.4-mini", "2026-11-24T00:00:00Z", { actor: null, shareChange: "32.4" }),
    ],
    counts: [{ kind: "budget", count: 1 }, { kind: "block", count: 1 }, { kind: "model", count: 1 }],
    cost: "1240.504512", costAfter: null, changePercent: null,
  },
  {
    week: "2026-11-02", sentAt: "2026-11-09T00:00:03Z", opened: 1, clicked: 0,
    readers: [{ email: ME.email, openedAt: "2026-11-09T02:00:00Z", clickedAt: null }],
    actions: [], counts: [], cost: "1310.000000", costAfter: "1102.670000", changePercent: "-15.8",
  },
];

/** An organization that gets reports. `world` may be changed by a test; the answers follow. */
export function reported() {
  const base = established();
  const usual = { recipients: [{ email: ME.email, locale: "ko" }, { email: "finance@example.com", locale: "en" }], isDefault: true };
  const world = Object.assign(base.world, { recipients: usual, effects: structuredClone(EFFECTS), reports: { [LAST]: structuredClone(REPORT), [BEFORE]: structuredClone(EARLIER) } });
  const answers = [
    ["GET /reports/weekly", ({ query }) => world.reports[query.get("week")] ?? silent(query.get("week"))],
    ["GET /reports/weekly/preview", ({ query }) => mail(query.get("locale"))],
    ["GET /reports/weekly/recipients", () => world.recipients],
    ["PUT /reports/weekly/recipients", ({ body }) => {
      const refused = body.recipients?.findIndex((one) => one.email === "gone@example.com") ?? -1;
      if (refused >= 0) return problem(422, "validation_failed", [{ pointer: `/recipients/${refused}/email`, code: "email", message: "is not an e-mail address" }]);
      world.recipients = body.recipients === null ? usual : { recipients: body.recipients, isDefault: false };
      return world.recipients;
    }],
    ["POST /reports/weekly/test", ({ body }) => ({ to: ME.email, week: body.week })],
    ["GET /reports/weekly/effect", () => page(world.effects)],
  ];
  return { world, answers: [...answers, ...base.answers] };
}
