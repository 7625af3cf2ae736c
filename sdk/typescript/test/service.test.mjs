// Against the running service: what arrives, once, whatever happens on the way.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { Bench, required } from "./support.mjs";

test("an event arrives with its cost", async (t) => {
  const bench = new Bench(t);
  const finops = bench.client();
  const id = finops.track(bench.event({ cost: 0.0035, costAllocation: { team: "content" }, tags: ["a"] }));
  assert.equal(await finops.flush(10_000), true);
  const [event, ...others] = await bench.stored();
  assert.deepEqual(others, []);
  assert.deepEqual([event.eventId, event.project.id], [id, required("FINOPS_PROJECT_ID")]);
  assert.deepEqual([event.cost, event.reportedCost, event.state], ["0.007500", "0.003500", "estimated"]);
  assert.deepEqual([event.tags, event.costAllocation], [["a"], { team: "content" }]);
  assert.deepEqual(bench.errors, []);
});

test("both spellings are the same", async (t) => {
  const bench = new Bench(t);
  const finops = bench.client();
  finops.track({
    model: "gpt-4o",
    prompt_tokens: 1000,
    completion_tokens: 500,
    session_id: bench.session,
    user_id: "u",
  });
  assert.equal(await finops.flush(10_000), true);
  const [event] = await bench.stored();
  assert.deepEqual([event.cost, event.userId], ["0.007500", "u"]);
});

test("events are sent without being asked, many in a request", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([], { batchSize: 100, flushInterval: 10 });
  for (let count = 0; count < 950; count++) finops.track(bench.event());
  while (finops.stats().queued > 0) await new Promise(setImmediate);
  assert.equal(new Set((await bench.stored()).map(({ eventId }) => eventId)).size, 950);
  assert.equal(requests.length, 10);
});

test("what is refused is told and the rest is stored", async (t) => {
  const bench = new Bench(t);
  const finops = bench.client({ flushInterval: 60_000 });
  finops.track(bench.event({ eventId: `${bench.session}-good` }));
  finops.track(bench.event({ eventId: `${bench.session}-bad`, promptTokens: -1 }));
  assert.equal(await finops.flush(10_000), true);
  assert.deepEqual(
    (await bench.stored()).map(({ eventId }) => eventId),
    [`${bench.session}-good`],
  );
  assert.deepEqual(
    bench.errors.map(({ code, eventIds }) => [code, eventIds]),
    [["quantity_invalid", [`${bench.session}-bad`]]],
  );
});

test("a wrong key is told at once", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([], { apiKey: "fin_wrong" });
  finops.track(bench.event());
  assert.equal(await finops.flush(10_000), true);
  assert.deepEqual(
    bench.errors.map(({ status, count }) => [status, count]),
    [[401, 1]],
  );
  assert.equal(requests.length, 1);
});

/** Tracks one event, which is stored once. */
async function once(bench, finops) {
  const id = finops.track(bench.event());
  assert.equal(await finops.flush(20_000), true);
  assert.deepEqual(
    (await bench.stored()).map(({ eventId }) => eventId),
    [id],
  );
  assert.deepEqual(bench.errors, []);
}

test("a reset connection is tried again", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([["reset"], ["reset"]]);
  await once(bench, finops);
  assert.deepEqual([requests.length, finops.stats().accepted], [3, 1]);
});

test("an answer that is lost after the commit stores nothing twice", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([["lost"]]);
  await once(bench, finops);
  assert.deepEqual([finops.stats().accepted, finops.stats().duplicates], [0, 1]);
  assert.equal(requests[0].body, requests[1].body);
});

test("the service says when to come back", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([
    [503, { "retry-after": "1" }],
    [429, { "retry-after": "0" }],
  ]);
  await once(bench, finops);
  const [first, second, third] = requests.map(({ at }) => at);
  assert.ok(second - first >= 999, `${second - first} ms`);
  assert.ok(third - second < 1_000, `${third - second} ms`);
});

test("what cannot be sent is given up and counted", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([[500], [500], [500]], { maxRetries: 2 });
  const id = finops.track(bench.event());
  assert.equal(await finops.flush(20_000), true);
  assert.deepEqual(
    bench.errors.map(({ status, eventIds }) => [status, eventIds]),
    [[500, [id]]],
  );
  assert.deepEqual([requests.length, finops.stats().dropped], [3, 1]);
  // The next one is none the worse for it.
  finops.track(bench.event());
  assert.equal(await finops.flush(20_000), true);
  assert.equal((await bench.stored()).length, 1);
});

test("a smaller limit on the way is met with smaller requests", async (t) => {
  const bench = new Bench(t);
  const { finops, requests } = await bench.behind([[413]], { flushInterval: 60_000 });
  for (let count = 0; count < 4; count++) finops.track(bench.event());
  assert.equal(await finops.flush(20_000), true);
  assert.deepEqual([(await bench.stored()).length, requests.length], [4, 3]);
});

test("a full queue drops the oldest", async (t) => {
  const bench = new Bench(t);
  const finops = bench.client({ maxQueue: 10, batchSize: 1_000, flushInterval: 60_000 });
  for (let count = 0; count < 25; count++) finops.track(bench.event({ eventId: `${bench.session}-${count}` }));
  assert.equal(finops.stats().queued, 10);
  assert.equal(await finops.flush(10_000), true);
  const expected = Array.from({ length: 10 }, (_, index) => `${bench.session}-${index + 15}`);
  assert.deepEqual((await bench.stored()).map(({ eventId }) => eventId).sort(), expected);
  assert.deepEqual(
    bench.errors.map(({ code, count }) => [code, count]),
    [["queue_full", 15]],
  );
});

test("closing ends in time, and says what was lost", async (t) => {
  const bench = new Bench(t);
  const { finops } = await bench.behind([[503, { "retry-after": "60" }]], { flushInterval: 0 });
  const id = finops.track(bench.event());
  const start = performance.now();
  await finops.close(200);
  assert.ok(performance.now() - start < 5_000);
  assert.deepEqual(
    bench.errors.map(({ status, eventIds }) => [status, eventIds]),
    [[503, [id]]],
  );
  assert.deepEqual(finops.stats(), { queued: 0, accepted: 0, duplicates: 0, rejected: 0, dropped: 1 });
});

test("an import says what became of each event", async (t) => {
  const bench = new Bench(t);
  const events = Array.from({ length: 1_200 }, (_, index) => bench.event({ eventId: `${bench.session}-${index}` }));
  events[3] = bench.event({ model: null });
  events[1_100] = bench.event({ projectId: "nobody's" });
  events[1_101] = bench.event({ cost: NaN });
  const { finops, requests } = await bench.behind([["lost"], [], ["reset"]]);
  const result = await finops.bulkImport(events);
  assert.deepEqual([result.accepted, result.duplicates, result.failed], [198, 999, []]);
  assert.equal(requests.length, 4);
  assert.deepEqual(
    result.rejected.map(({ index, code, pointer }) => [index, code, pointer]),
    [
      [3, "validation_failed", "/events/3/model"],
      [1_100, "project_unknown", "/events/1100/projectId"],
      [1_101, "not_encodable", "/events/1101"],
    ],
  );
  const again = await finops.bulkImport(events);
  assert.deepEqual([again.accepted, again.duplicates], [0, 1_197]);
});

test("an import without a service says which events failed", async (t) => {
  const bench = new Bench(t);
  const { finops } = await bench.behind([["reset"], ["reset"]], { maxRetries: 1 });
  const { failed } = await finops.bulkImport([bench.event({ eventId: "a" }), bench.event({ eventId: "b" })]);
  assert.deepEqual(
    failed.map(({ index, eventId, code }) => [index, eventId, code]),
    [
      [0, "a", "network"],
      [1, "b", "network"],
    ],
  );
});

test("costs are exact", async (t) => {
  const options = { startDate: "2026-01-01", endDate: "2026-01-31", groupBy: "day" };
  const { summary, breakdown } = await new Bench(t)
    .client()
    .getProjectAnalytics(required("FINOPS_PROJECT_ID"), options);
  // What floating point makes 0.30000000000000004, or loses.
  assert.deepEqual([summary.totalCost, summary.currency], ["0.300000000001", "USD"]);
  assert.deepEqual(
    breakdown.rows.map(({ dimensions, cost }) => [dimensions.day, cost]),
    [
      ["2026-01-01", "0.100000000001"],
      ["2026-01-31", "0.200000"],
    ],
  );
  assert.deepEqual(
    breakdown.services.map(({ name }) => name),
    ["openai"],
  );
  assert.deepEqual(
    breakdown.models.map(({ name, cost }) => [name, cost]),
    [
      ["gpt-4o", "0.300000"],
      ["gpt-4o-mini", "0.000000000001"],
    ],
  );
});

test("nothing known is not zero", async (t) => {
  const options = { start_date: "2025-03-01", end_date: "2025-03-02", group_by: ["model", "day"] };
  const { summary } = await new Bench(t).client().getProjectAnalytics(undefined, options);
  assert.deepEqual([summary.totalCost, summary.currency], [null, null]);
});

test("an unknown project is an error", async (t) => {
  const asked = new Bench(t).client().getProjectAnalytics("01900000-0000-7000-8000-000000000000");
  await assert.rejects(asked, { code: "not_found", status: 404 });
});

test("a program that ends sends what waits, with its last strength", async (t) => {
  const bench = new Bench(t);
  const { baseUrl, requests } = await bench.behind([["reset"]]);
  const program = `
    import { Finops } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url))};
    const finops = new Finops({ baseUrl: ${JSON.stringify(baseUrl)}, flushInterval: 3_600_000 });
    finops.track(${JSON.stringify(bench.event({ eventId: `${bench.session}-last words` }))});
  `;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { timeout: 60_000 });
  const { stdout, stderr } = await run;
  assert.deepEqual([stdout, stderr], ["", ""]);
  assert.deepEqual(
    (await bench.stored()).map(({ eventId }) => eventId),
    [`${bench.session}-last words`],
  );
  assert.equal(requests.length, 2);
});
