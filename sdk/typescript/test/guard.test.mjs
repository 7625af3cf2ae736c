// Against the running service: whether a call may be made, and what happens when nobody can say.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Bench } from "./support.mjs";

test("what remains is told and what does not fit is refused", async (t) => {
  const finops = new Bench(t).client();
  // The project has a hard budget of 1,000,000 dollars a year.
  const { allowed, reason, answer } = await finops.check({ service: "tutor", estimatedCost: "0.01" });
  assert.deepEqual([allowed, reason], [true, undefined]);
  const [budget, ...others] = answer.budgets;
  assert.deepEqual([budget.amount, budget.enforcement, others], ["1000000.000000", "hard", []]);
  const refused = await finops.check({ estimated_cost: 1000000.01, learnerId: "ann" });
  assert.deepEqual([refused.allowed, refused.reason], [false, "budget_exceeded"]);
  assert.equal(refused.budget.id, budget.id);
  assert.ok(refused.retryAfter > 0);
});

test("what is reserved is settled after the call was reported", async (t) => {
  const bench = new Bench(t);
  const finops = bench.client({ flushInterval: 60_000 });
  const first = await finops.check({ estimatedCost: "990000", reserve: true });
  assert.equal((await finops.check({ estimatedCost: "20000", reserve: true })).reason, "budget_exceeded");
  assert.equal(await finops.release(first.reservationId), true);
  const { reservationId } = await finops.check({ estimatedCost: "990000", reserve: true, reserveMinutes: 1 });
  finops.track(bench.event());
  assert.equal(await finops.settle(reservationId, "0.0075"), true);
  assert.equal((await bench.stored()).length, 1);
  assert.equal(await finops.release(reservationId), false);
  assert.deepEqual(
    bench.errors.map(({ code }) => code),
    ["not_found"],
  );
});

test("when nobody can say, the caller did", async (t) => {
  const bench = new Bench(t);
  for (const fault of [["reset"], [503, { "retry-after": "7" }], [429]]) {
    const ask = async (options) => (await bench.behind([fault])).finops.check({}, options);
    const [closed, opened] = [await ask({}), await ask({ onUnavailable: "open" })];
    assert.deepEqual([closed.allowed, opened.allowed], [false, true]);
    assert.equal(closed.reason, fault[0] === "reset" ? "network" : "unavailable");
    assert.equal(closed.retryAfter, fault[0] === 503 ? 7_000 : undefined);
  }
  const silent = bench.client({ baseUrl: await bench.server(() => {}) });
  assert.equal((await silent.check({}, { on_unavailable: "open", timeout: 100 })).allowed, true);
  const nobody = bench.client({ baseUrl: "http://127.0.0.1:9" });
  assert.deepEqual([await nobody.settle("id"), await nobody.release("id")], [false, false]);
});

test("what is wrong with the question is told", async (t) => {
  const bench = new Bench(t);
  const ask = (call) => bench.client().check(call, { onUnavailable: "open" });
  await assert.rejects(ask({ projectId: "proj_nothing" }), { code: "not_found" });
  await assert.rejects(ask({ estimatedCost: -1 }), { code: "validation_failed" });
  await assert.rejects(bench.client({ apiKey: "fin_wrong" }).check(), { code: "api_key_invalid" });
});
