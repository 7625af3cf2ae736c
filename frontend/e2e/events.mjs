// AI calls of an invented organization, and a stream of them that a test holds the end of.
import { costs, NOW, PROJECTS } from "./costs.mjs";
import { json, problem } from "./mock.mjs";

const [CHATBOT, RECOMMENDER] = PROJECTS;
const named = ({ id, name }) => ({ id, name });

/** One stored call, `seconds` before now. */
export const event = (n, more = {}) => ({
  eventId: `evt-${n}`,
  timestamp: new Date(Date.parse(NOW) - n * 7_000).toISOString(),
  receivedAt: new Date(Date.parse(NOW) - n * 7_000 + 400).toISOString(),
  source: "api",
  project: named(n % 3 ? CHATBOT : RECOMMENDER),
  environment: "production",
  service: n % 2 ? "support-bot" : "recommender",
  provider: "openai",
  model: "gpt-4o",
  units: { input: "1000.000000", cached_input: "200.000000", output: "350.000000", reasoning: "50.000000" },
  unsplitTokens: null,
  cost: "0.003500",
  currency: "USD",
  state: "estimated",
  resolution: "exact:gpt-4o",
  reportedCost: null,
  responseTime: 1840,
  status: "success",
  failed: false,
  userId: null,
  learnerId: null,
  sessionId: null,
  taskType: null,
  intent: null,
  outcome: null,
  feedbackScore: null,
  apiKeyId: null,
  serviceTier: null,
  region: null,
  ip: null,
  userAgent: null,
  tags: [],
  costAllocation: null,
  metadata: null,
  ...more,
});

/** The latest five differ; the rest are alike. */
export const EVENTS = [
  event(0, {
    learnerId: "learner-7", taskType: "homework", tags: ["math", "grade 5"], feedbackScore: "4.500000", apiKeyId: "01936f00-0000-7000-8000-0000000000aa",
    reportedCost: "0.004100", resolution: "dated_snapshot:gpt-4o*", metadata: { traceId: "5b8efff7", nested: { retries: 2 } },
    costAllocation: { department: "marketing" },
  }),
  event(1, { model: "house-model-7b", cost: null, state: "unpriced", resolution: "unknown_model", provider: "unknown" }),
  event(2, { model: "gpt-4o-mini", cost: "0.000000", state: "free" }),
  event(3, { model: "text-embedding-3-small", cost: "0.00000004", units: { input: "2.000000" }, responseTime: null, service: null }),
  event(4, { model: "gpt-image-2", units: { image: "2.000000" }, failed: true, status: "error", project: null }),
  ...Array.from({ length: 125 }, (_, n) => event(n + 5)),
];

const params = (request) => new URL(request.url()).searchParams;

/** What the service answers: costs and projects too. `asked` holds the queries for events. */
export function usage({ events = EVENTS, over = {} } = {}) {
  const asked = [];
  const list = (request) => {
    const query = params(request);
    asked.push(query);
    const from = Date.parse(query.get("from"));
    const to = Date.parse(query.get("to") ?? "2099-01-01T00:00:00Z");
    const fields = { model: "model", service: "service", learnerId: "learnerId", state: "state" };
    const found = events.filter((e) => {
      const at = Date.parse(e.timestamp);
      const same = Object.entries(fields).every(([param, field]) => !query.get(param) || e[field] === query.get(param));
      const failed = !query.get("failed") || String(e.failed) === query.get("failed");
      const project = !query.get("projectId") || (e.project?.id ?? "none") === query.get("projectId");
      return at >= from && at < to && same && failed && project;
    });
    const start = Number(query.get("cursor") ?? 0);
    const end = start + Number(query.get("limit") ?? 50);
    return json({ data: found.slice(start, end), nextCursor: end < found.length ? String(end) : null });
  };
  const answers = { ...costs(), "GET /usage-events": list };
  for (const one of events.slice(0, 6)) answers[`GET /usage-events/${one.eventId}`] = () => json(one);
  answers["GET /api-keys/01936f00-0000-7000-8000-0000000000aa"] = () => json({ name: "tutor-svc SDK", masked: "fin_…a1B2" });
  answers["GET /usage-events/evt-gone"] = () => problem(404, "not_found");
  return { asked, answers: { ...answers, ...over } };
}

/** Puts the end of the stream into the page's `tail`: what was opened, and ways to send to it, end it and refuse it. */
export async function tail(page) {
  await page.addInitScript(() => {
    const real = window.fetch;
    const text = new TextEncoder();
    window.tail = { opened: [], refusals: 0 };
    window.fetch = (input, init) => {
      const url = String(input?.url ?? input);
      if (!url.includes("/usage-events/stream")) return real.call(window, input, init);
      const headers = new Headers(init?.headers);
      let sink;
      const body = new ReadableStream({
        start(controller) {
          sink = controller;
          controller.enqueue(text.encode("retry: 2000\n: connected\n\n"));
        },
      });
      const connection = {
        url,
        last: headers.get("last-event-id"),
        token: headers.get("authorization"),
        open: true,
        send(event) {
          // In two parts, as a network may cut it.
          const bytes = text.encode(`id: ${event.receivedAt}\nevent: usage\ndata: ${JSON.stringify(event)}\n\n`);
          sink.enqueue(bytes.slice(0, 37));
          sink.enqueue(bytes.slice(37));
        },
        end() {
          this.open = false;
          sink.close();
        },
      };
      window.tail.opened.push(connection);
      if (window.tail.refusals > 0) {
        window.tail.refusals -= 1;
        connection.open = false;
        return Promise.resolve(new Response("", { status: 503 }));
      }
      init?.signal?.addEventListener("abort", () => {
        if (!connection.open) return;
        connection.open = false;
        sink.error(new DOMException("aborted", "AbortError"));
      });
      return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    };
  });
  return {
    send: (one) => page.evaluate((one) => window.tail.opened.at(-1).send(one), one),
    end: () => page.evaluate(() => window.tail.opened.at(-1).end()),
    refuse: (times) => page.evaluate((times) => (window.tail.refusals = times), times),
    opened: () => page.evaluate(() => window.tail.opened.map(({ url, last, token, open }) => ({ url, last, token, open }))),
  };
}
