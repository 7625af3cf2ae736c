// What the service answers about the value of projects: one that is measured, one that only costs, one of which nothing is known.
import { json } from "./mock.mjs";

const DAY = 86_400_000;
const days = (from, to) =>
  Array.from({ length: (Date.parse(to) - Date.parse(from)) / DAY }, (_, index) => new Date(Date.parse(from) + index * DAY).toISOString().slice(0, 10));

const NOTHING = {
  cost: null, basis: "billed", state: "billed", unpriced: 0, calls: null, failedCalls: null, outcomes: 0, successes: null, failures: null,
  successRate: null, costPerSuccess: null, feedbackScores: 0, feedbackMean: null,
};

const of = (project, params, total, more) => {
  const to = params.get("to");
  return {
    project: { id: project.id, name: project.name }, from: params.get("from"), to, timeZone: "Asia/Seoul", total: { ...NOTHING, ...total }, byBasis: [], unconverted: [],
    unknownDays: 0, complete: true, byTaskType: [], byModel: [], byDay: days(params.get("from"), to).map((day) => ({ day, value: NOTHING })), ...more,
  };
};

/** A project whose calls' outcomes are recorded. */
export function measured(project, params) {
  const value = (cost, calls, successes, failures, scores, mean, more) => ({
    ...NOTHING, cost, basis: "events", state: "estimated", calls, failedCalls: Math.round(calls / 1500), outcomes: successes + failures, successes, failures,
    successRate: ((100 * successes) / (successes + failures)).toFixed(2), costPerSuccess: (Number(cost) / successes).toFixed(12), feedbackScores: scores, feedbackMean: mean, ...more,
  });
  const total = value("1148.204512", 48_210, 1_116, 124, 412, "4.205000", { basis: "mixed", outcomes: 1_252, failedCalls: 31 });
  return of(project, params, total, {
    byBasis: [{ basis: "billed", cost: "1090.100000" }, { basis: "events", cost: "58.104512", unpriced: 12 }],
    unknownDays: 1, complete: false,
    byTaskType: [
      { taskType: "고객 문의", value: value("702.310000", 30_104, 812, 61, 300, "4.410000") },
      { taskType: "요약", value: value("310.004200", 14_020, 304, 63, 112, "3.660000", { unpriced: 12, state: "estimated" }) },
      { taskType: null, value: { ...NOTHING, cost: "0.004200", basis: "events", state: "estimated", calls: 4_086, failedCalls: 0 } },
    ],
    byModel: [
      { provider: "openai", model: "gpt-5.4-2026-03-05", value: value("901.200000", 20_110, 700, 90, 300, "4.300000") },
      { provider: "openai", model: "gpt-5.4-mini-2026-03-05", value: value("111.118400", 28_100, 416, 34, 112, "3.950000") },
      { provider: null, model: null, value: { ...NOTHING, outcomes: 12, successes: 0, failures: 0 } },
    ],
    byDay: days(params.get("from"), params.get("to")).map((day, index) => {
      const cost = (30 + ((index * 7) % 19)).toFixed(6);
      // A day of which nothing is known, and one without a success.
      if (index === 11) return { day, value: NOTHING };
      if (index === 4) return { day, value: { ...NOTHING, cost, calls: 900, failedCalls: 0 } };
      return { day, value: value(cost, 1500, 30 + ((index * 5) % 11), 4, 12, "4.200000") };
    }),
  });
}

/** A project whose calls are reported, and nothing of what came of them. */
export const unmeasured = (project, params) =>
  of(project, params, { cost: "231.400000", basis: "events", state: "estimated", calls: 9_120, failedCalls: 0 }, {
    byModel: [{ provider: "openai", model: "gpt-5.4-mini-2026-03-05", value: { ...NOTHING, cost: "231.400000", basis: "events", state: "estimated", calls: 9_120, failedCalls: 0 } }],
    byDay: days(params.get("from"), params.get("to")).map((day) => ({ day, value: { ...NOTHING, cost: "7.713333", calls: 304, failedCalls: 0 } })),
  });

/** What the measured project's calls were for. */
const wanted = (project, params) => {
  const value = (cost, calls, more) => ({ ...NOTHING, cost, basis: "events", state: "estimated", calls, failedCalls: 0, ...more });
  const came = (successes, failures, costPerSuccess, feedbackScores, feedbackMean) => ({
    outcomes: successes + failures, successes, failures, successRate: ((100 * successes) / (successes + failures)).toFixed(2), costPerSuccess, feedbackScores, feedbackMean,
  });
  return {
    project: { id: project.id, name: project.name }, from: params.get("from"), to: params.get("to"), timeZone: "Asia/Seoul", since: "2026-11-02T03:00:00Z",
    intents: [
      { intent: "환불 규정 안내", value: value("410.200000", 12_004, came(500, 20, "0.820400000000", 200, "4.500000")) },
      { intent: "배송 조회", value: value("120.000000", 9_300, { ...came(210, 40, "0.571428571429", 80, "3.900000"), unpriced: 3 }) },
      { intent: null, value: value("60.100000", 4_000) },
    ],
    other: { count: 131, value: value("220.500000", 10_800, came(102, 1, "2.161764705882", 20, "4.000000")) },
  };
};

/** A project of which nothing is known. */
export const silent = (project, params) => of(project, params, {}, { unknownDays: 30, complete: false });

/** The answers for some projects: the first is measured, the last is silent. */
export function values(projects) {
  const kind = (index) => (index === 0 ? measured : index === projects.length - 1 ? silent : unmeasured);
  const params = (request) => new URL(request.url()).searchParams;
  const intents = (project, index, params) => ({ ...wanted(project, params), ...(index > 0 && { since: null, intents: [], other: null }) });
  return Object.fromEntries(projects.flatMap((project, index) => [
    [`GET /projects/${project.id}/value`, (request) => json(kind(index)(project, params(request)))],
    [`GET /projects/${project.id}/value/intents`, (request) => json(intents(project, index, params(request)))],
  ]));
}
