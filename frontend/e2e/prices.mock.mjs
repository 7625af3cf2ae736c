// What the service answers about prices and keys, with enough state that a change shows.
import { CHATBOT, established } from "./admin.mock.mjs";
import { json, ME, problem } from "./mock.mjs";

const id = (n) => `01936f00-0000-7000-8000-${(0x5000 + n).toString(16).padStart(12, "0")}`;
const page = (data, nextCursor = null) => ({ data, nextCursor });
const gone = { status: 204 };

/** Fixes what the page takes for now. Playwright's own clock gives timers numbers that WebAssembly cannot hold: none could be stopped. */
export const fixNow = (page, now) =>
  page.addInitScript((now) => {
    const Native = Date;
    window.Date = class extends Native {
      constructor(...parts) {
        super(...(parts.length ? parts : [now]));
      }
      static now() {
        return now;
      }
    };
  }, Date.parse(now));

export const LIST = "https://prices.example.com/model_prices.json";

const unit = (kind, price, tier = "standard", aboveTokens = 0) => ({ kind, tier, aboveTokens, price });

const entry = (n, provider, model, prices, more) => ({
  id: id(n), provider, model, region: null, effectiveFrom: "2026-03-05T00:00:00Z", effectiveTo: null, currency: "USD", prices, factors: [],
  source: "https://developers.openai.com/api/docs/pricing", confirmedBy: LIST, checkedAt: "2026-11-24T00:10:00Z", ...more,
});

export const GPT = entry(
  1, "openai", "gpt-5.4",
  [
    unit("input", "0.0000025"), unit("cached_input", "0.00000025"), unit("output", "0.000015"), unit("search", "0.010000"),
    unit("input", "0.000005", "standard", 272000), unit("output", "0.0000225", "standard", 272000),
    unit("input", "0.00000125", "batch"), unit("output", "0.0000075", "batch"),
  ],
  { factors: [{ region: "eu", factor: "1.100000" }] },
);

const BOOK = [
  entry(2, "anthropic", "claude-opus-4-6", [unit("input", "0.000005"), unit("cached_input", "0.0000005"), unit("cache_write_5m", "0.00000625"), unit("cache_write_1h", "0.00001"), unit("output", "0.000025")], { source: "https://platform.claude.com/docs/en/about-claude/pricing" }),
  entry(3, "aws_bedrock", "amazon.nova-pro-v1:0", [unit("input", "0.0000008"), unit("output", "0.0000032")], { region: "us-east-1", source: null }),
  entry(4, "google_ai", "imagen-4", [unit("image", "0.040000")], { source: "https://ai.google.dev/pricing" }),
  GPT,
  entry(5, "openai", "gpt-5.4", [unit("input", "0.000003"), unit("output", "0.00002")], { effectiveFrom: "2026-01-01T00:00:00Z", effectiveTo: "2026-03-05T00:00:00Z" }),
  entry(6, "openai", "text-embedding-3-large", [unit("input", "0.00000013")]),
  entry(7, "openai", "tts-1", [unit("character", "0.000015")]),
];

const own = (n, more) => ({
  id: id(0x20 + n), provider: "openai", model: null, kind: null, tier: null, unitPrice: null, discountPercent: null, sameAs: null, note: null,
  currency: "USD", effectiveFrom: "2026-10-01T00:00:00Z", effectiveTo: null, createdAt: "2026-09-28T00:00:00Z", ...more,
});

const OWN = [
  own(1, { model: "gpt-5.4", kind: "input", tier: "standard", unitPrice: "0.000002", note: "2026년 기업 계약" }),
  own(2, { provider: "anthropic", discountPercent: "12.500000", effectiveFrom: "2027-01-01T00:00:00Z" }),
  own(3, { provider: "azure", model: "prod-chat", sameAs: "gpt-5.4", effectiveFrom: "2026-08-01T00:00:00Z", effectiveTo: "2026-09-01T00:00:00Z" }),
];

const UNPRICED = [
  { provider: "openai", model: "gpt-6-preview", events: 12840, firstSeen: "2026-11-20T05:00:00Z", lastSeen: "2026-11-24T08:00:00Z", reason: "unknown_model" },
  { provider: "mistral", model: "mistral-large-3", events: 310, firstSeen: "2026-11-23T01:00:00Z", lastSeen: "2026-11-23T04:00:00Z", reason: "unknown_model" },
  { provider: "openai", model: "tts-1", events: 12, firstSeen: "2026-11-21T15:00:00Z", lastSeen: "2026-11-22T02:00:00Z", reason: null },
];

export const CHANGE = {
  id: id(0x31), provider: "openai", model: "gpt-5.4-mini", region: null, source: LIST,
  reasons: ["ten_times: standard input", "missing: standard output"],
  current: { prices: [unit("input", "0.00000075"), unit("output", "0.0000045")], factors: [], source: null },
  proposed: { prices: [unit("input", "0.000075")], factors: [], source: null },
  state: "pending", createdAt: "2026-11-24T00:10:00Z", decidedAt: null,
};

const version = (number, kind, more) => ({
  id: id(0x40 + number), number, kind, source: LIST, licence: "MIT", effectiveFrom: `2026-11-2${number}T00:10:00Z`, effectiveTo: null,
  checkedAt: "2026-11-24T00:10:00Z", createdAt: `2026-11-2${number}T00:10:00Z`, entriesNew: 3, entriesChanged: 2, entriesEnded: 0,
  entriesUnchanged: 210, entriesSuspicious: 1, entriesSkipped: 4, ...more,
});

export const RUN = id(0x61);
export const APPLIED = id(0x62);

const totals = { events: 13152, changed: 12852, costBefore: "412.500000", costAfter: "530.1234567", unpricedBefore: 12852, unpricedAfter: 0 };

const run = (body, more) => ({
  id: body.apply ? APPLIED : RUN, from: body.from, to: body.to, provider: body.provider ?? null, model: body.model ?? null, apply: body.apply,
  state: "running", totals: { events: 1000, changed: 0, costBefore: "0.000000", costAfter: "0.000000", unpricedBefore: 0, unpricedAfter: 0 },
  currency: "USD", requestedBy: ME.email, createdAt: "2026-11-24T09:00:00Z", finishedAt: null, ...more,
});

export const finished = (run) => ({ ...run, state: "done", totals, finishedAt: "2026-11-24T09:00:09Z" });

const DIFFERENCES = [
  { provider: "openai", model: "gpt-6-preview", project: { id: CHATBOT, name: "chatbot-experiment", deleted: false }, sums: { events: 12840, changed: 12840, costBefore: "0.000000", costAfter: "120.000000", unpricedBefore: 12840, unpricedAfter: 0 } },
  { provider: "openai", model: "gpt-5.4", project: null, sums: { events: 312, changed: 12, costBefore: "412.500000", costAfter: "410.1234567", unpricedBefore: 12, unpricedAfter: 0 } },
];

export const apiKey = (n, more) => ({
  id: id(0x70 + n), name: "챗봇 운영 서버", masked: "fin_…a1B2", last4: "a1B2", scopes: ["ingest"], projectId: CHATBOT, projectName: "chatbot-experiment",
  environment: "production", quotaPerMinute: 1000, state: "active", createdBy: { id: ME.id, name: ME.name }, createdAt: "2026-09-01T00:00:00Z",
  expiresAt: null, rotatedAt: null, overlapUntil: null, lastUsedAt: "2026-11-24T08:00:00Z", ...more,
});

/** An organization with prices of its own, models without any, and keys. `world` may be changed by a test. */
export function priced() {
  const base = established();
  const world = Object.assign(base.world, {
    book: structuredClone(BOOK), own: structuredClone(OWN), unpriced: structuredClone(UNPRICED), changes: [structuredClone(CHANGE)],
    versions: [version(4, "update"), version(3, "import", { effectiveTo: "2026-11-24T00:10:00Z", licence: null }), version(1, "shipped", { source: "shipped: 2026-11-01", effectiveTo: "2026-11-23T00:10:00Z" })],
    runs: [run({ from: "2026-10-31T15:00:00Z", to: "2026-11-15T15:00:00Z", provider: "openai", apply: true }, { id: id(0x63), state: "done", totals })],
    apiKeys: [
      apiKey(1),
      apiKey(2, { name: "대시보드", masked: "fin_…9fQ2", last4: "9fQ2", scopes: ["read", "guard"], projectId: null, projectName: null, environment: null, quotaPerMinute: null, state: "expired", expiresAt: "2026-11-01T00:00:00Z", lastUsedAt: null, createdBy: { id: id(0x7f), name: "박서준" } }),
    ],
    providerKeys: [{ service: "openai", masked: "sk-proj-…abc1", last4: "abc1", createdAt: "2026-09-01T00:00:00Z", replacedAt: "2026-10-01T00:00:00Z" }],
  });
  return { world, answers: [...base.answers, ...prices(world), ...keys(world)] };
}

function prices(world) {
  return [
    ["GET /prices", ({ query }) => page(world.book.filter((one) =>
      (!query.get("provider") || one.provider === query.get("provider")) && one.model.includes(query.get("model") ?? "") && (query.get("history") || !one.effectiveTo)))],
    ["GET /prices/versions", () => page(world.versions)],
    ["GET /prices/resolve", ({ query }) => ({
      provider: query.get("provider"), model: query.get("model"), region: null, tier: "standard", entryId: null, resolution: null, reason: null, currency: "USD",
      prices: world.own.filter((one) => one.model === query.get("model") && one.unitPrice).map((one) => ({ kind: one.kind, aboveTokens: 0, price: one.unitPrice, negotiated: true })),
    })],
    ["GET /prices/overrides", () => page(world.own)],
    ["POST /prices/overrides", ({ body }) => {
      const { reprice, ...said } = body;
      const made = own(9, { effectiveFrom: "2026-11-24T09:00:00Z", ...said });
      world.own.unshift(made);
      if (reprice) world.unpriced = world.unpriced.filter((one) => one.model !== body.model);
      return json(made, 201);
    }],
    ["DELETE /prices/overrides/:override", ({ params }) => {
      Object.assign(world.own.find((one) => one.id === params[0]), { effectiveTo: "2026-11-24T09:00:00Z" });
      return gone;
    }],
    ["GET /prices/changes", () => page(world.changes)],
    ["POST /prices/changes/:change/confirm", ({ params }) => {
      const change = world.changes.find((one) => one.id === params[0]);
      world.changes = [];
      return { ...change, state: "confirmed" };
    }],
    ["POST /prices/changes/:change/dismiss", ({ params }) => {
      const change = world.changes.find((one) => one.id === params[0]);
      world.changes = [];
      return { ...change, state: "dismissed" };
    }],
    ["GET /prices/unpriced", () => page(world.unpriced)],
    ["POST /prices/reprice", ({ body }) => {
      const begun = run(body);
      world.runs.unshift(begun);
      return json(begun, 202);
    }],
    ["GET /prices/reprices", () => page(world.runs)],
    ["GET /prices/reprices/:run", ({ params }) => {
      const reprice = world.runs.find((one) => one.id === params[0]);
      return reprice ? { reprice, differences: reprice.state === "done" ? DIFFERENCES : [] } : problem(404, "not_found");
    }],
  ];
}

function keys(world) {
  return [
    ["GET /api-keys", () => page(world.apiKeys)],
    ["POST /api-keys", ({ body }) => {
      const made = apiKey(3, { environment: null, quotaPerMinute: null, projectId: null, projectName: null, lastUsedAt: null, ...body, masked: "fin_…z9Y8", last4: "z9Y8" });
      world.apiKeys.unshift(made);
      return json({ ...made, key: "fin_the-text-of-the-key-z9Y8" }, 201);
    }],
    ["POST /api-keys/:key/rotate", ({ params }) => {
      const key = world.apiKeys.find((one) => one.id === params[0]);
      Object.assign(key, { masked: "fin_…n3W4", last4: "n3W4", rotatedAt: "2026-11-24T09:00:00Z", overlapUntil: "2026-11-27T09:00:00Z" });
      return { ...key, key: "fin_another-text-n3W4" };
    }],
    ["DELETE /api-keys/:key", ({ params }) => {
      world.apiKeys = world.apiKeys.filter((one) => one.id !== params[0]);
      return gone;
    }],
    ["GET /user/api-keys", () => page(world.providerKeys)],
    ["POST /user/api-keys", ({ body }) => {
      const stored = { service: body.service, masked: `sk-ant-…${body.key.slice(-4)}`, last4: body.key.slice(-4), createdAt: "2026-11-24T09:00:00Z", replacedAt: null };
      world.providerKeys = [...world.providerKeys.filter((one) => one.service !== body.service), stored];
      return json(stored, 201);
    }],
    ["DELETE /user/api-keys/:service", ({ params }) => {
      world.providerKeys = world.providerKeys.filter((one) => one.service !== params[0]);
      return gone;
    }],
  ];
}
