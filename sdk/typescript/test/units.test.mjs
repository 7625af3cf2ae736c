// What needs no service: batching with the time told, spelling, pauses.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Finops, FinopsError } from "../dist/index.js";
import { after } from "../dist/analytics.js";
import { encode, join, MAX_BATCH_BYTES, ROOM, split } from "../dist/events.js";
import { delay, MAX_DELAY, MAX_RETRY_AFTER, retryAfter, withRetries } from "../dist/http.js";
import { EventQueue } from "../dist/queue.js";

const event = (id, size = 10) => ({ id: String(id), body: "x".repeat(size - 1), size });
const ids = (events) => events.map(({ id }) => id);
const queue = (limits) => new EventQueue({ maxEvents: 100, maxBytes: 1e9, batchEvents: 3, interval: 1_000, ...limits });
const read = (...args) => JSON.parse(encode(...args).body);

test("a batch is due when it is full or old", () => {
  const waiting = queue();
  assert.equal(waiting.due(0), undefined);
  waiting.put(event(1), 10_000);
  waiting.put(event(2), 10_900);
  assert.equal(waiting.due(10_900), 100);
  assert.equal(waiting.due(11_500), 0);
  waiting.put(event(3), 10_950);
  assert.equal(waiting.due(10_950), 0);
  assert.deepEqual(ids(waiting.take()), ["1", "2", "3"]);
  assert.equal(waiting.due(20_000), undefined);
});

test("a batch is due when its bytes fill a request", () => {
  const waiting = queue({ batchEvents: 1_000 });
  const half = (ROOM >> 1) + 1;
  waiting.put(event(1, half), 0);
  assert.equal(waiting.due(0), 1_000);
  waiting.put(event(2, half), 0);
  assert.equal(waiting.due(0), 0);
  assert.deepEqual([ids(waiting.take()), ids(waiting.take())], [["1"], ["2"]]);
});

test("the oldest give way", () => {
  const few = queue({ maxEvents: 3 });
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((id) => ids(few.put(event(id), 0))),
    [[], [], [], ["0"], ["1"]],
  );
  assert.equal(few.length, 3);
  const small = queue({ maxBytes: 100 });
  small.put(event(1, 40), 0);
  small.put(event(2, 40), 0);
  assert.deepEqual(ids(small.put(event(3, 80), 0)), ["1", "2"]);
  assert.deepEqual(ids(small.take()), ["3"]);
});

test("what is missing is added and what is there stays", () => {
  const told = read({ model: "m" }, "p", new Date("2026-01-02T03:04:05Z"));
  assert.deepEqual([told.projectId, told.timestamp], ["p", "2026-01-02T03:04:05.000Z"]);
  assert.match(told.eventId, /^[0-9a-f-]{32,36}$/);
  const given = { model: "m", response_id: "r-1", occurred_at: 1_700_000_000, project_id: "mine" };
  assert.deepEqual(read(given, "p", new Date()), given);
  assert.equal(encode(given).id, "r-1");
});

test("what is no JSON is refused", () => {
  const looped = {};
  looped.self = looped;
  for (const wrong of [NaN, Infinity, looped]) {
    assert.throws(() => encode({ model: wrong }), { code: "not_encodable" });
  }
  for (const wrong of [null, undefined, 7, []]) assert.throws(() => encode(wrong), { code: "not_encodable" });
  assert.throws(() => encode({ model: "m".repeat(MAX_BATCH_BYTES) }), { code: "event_too_large" });
  assert.equal(read({ totalTokens: 10n }).totalTokens, "10");
});

test("requests are as large as they may be and no larger", () => {
  const many = Array.from({ length: 2_001 }, (_, id) => event(id));
  assert.deepEqual(
    split(many).map((batch) => batch.length),
    [1_000, 1_000, 1],
  );
  const exact = event("a", ROOM >> 2);
  assert.deepEqual(
    split(Array(5).fill(exact)).map((batch) => batch.length),
    [4, 1],
  );
  assert.ok(Buffer.byteLength(join(Array(4).fill(exact))) <= MAX_BATCH_BYTES);
  assert.equal(encode({ model: "가" }).size, Buffer.byteLength(encode({ model: "가" }).body) + 1);
  assert.deepEqual(split([]), []);
});

test("pauses double up to a bound, and what the service asks for is kept within one", () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((attempt) => delay(attempt, 500, undefined, 1)),
    [500, 1_000, 2_000, 4_000],
  );
  assert.equal(delay(0, 500, undefined, 0), 250);
  assert.equal(delay(1_000, 500, undefined, 1), MAX_DELAY);
  for (const jitter of [0, 1]) assert.ok(delay(0, 500, 7_000, jitter) >= 7_000);
  assert.ok(delay(20, 500, 86_400_000, 1) < MAX_RETRY_AFTER + MAX_DELAY);
});

test("retry-after is seconds or a date", () => {
  const now = Date.parse("2026-11-01T00:00:00Z");
  assert.equal(retryAfter("3", now), 3_000);
  assert.equal(retryAfter("Sun, 01 Nov 2026 00:00:09 GMT", now), 9_000);
  assert.equal(retryAfter("Sat, 31 Oct 2026 00:00:00 GMT", now), 0);
  for (const nothing of [null, "", "soon"]) assert.equal(retryAfter(nothing, now), undefined);
});

test("only what may succeed later is tried again, and not for ever", async () => {
  const statuses = Array.from({ length: 400 }, (_, index) => index + 200);
  const retryable = statuses.filter((status) => new FinopsError("c", "m", { status }).retryable);
  assert.deepEqual(retryable, [408, 429, ...statuses.filter((status) => status >= 500)]);
  const asked = [];
  const failing = async () => {
    throw new FinopsError("unavailable", "busy", { status: 503, retryAfter: 5 });
  };
  const pause = async (ms, wanted) => asked.push([ms >= 5, wanted]) > 0;
  await assert.rejects(withRetries(failing, 2, 1, pause), { status: 503 });
  assert.deepEqual(asked, [
    [true, 5],
    [true, 5],
  ]);
});

test("nothing is thrown into the caller", async () => {
  const finops = new Finops({
    api_key: "fin_x",
    base_url: "http://[",
    max_retries: 0,
    flush_interval: 0,
    onError: () => {
      throw new Error("not my day");
    },
  });
  assert.equal(finops.track({ model: NaN }), undefined);
  assert.equal(finops.track(undefined), undefined);
  assert.equal(typeof finops.track({ model: "m" }), "string");
  assert.equal(await finops.flush(5_000), true);
  const nobody = {};
  assert.equal(finops.meter(nobody), nobody);
  assert.equal(finops.stats().dropped, 3);
});

test("a closed client says so", async () => {
  const errors = [];
  const finops = new Finops({ apiKey: "fin_x", onError: (error) => errors.push(error) });
  await finops.close();
  await finops.close();
  assert.equal(finops.track({ model: "m" }), undefined);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["closed"],
  );
});

test("the last day is part of the period and a time is not", () => {
  assert.equal(after("2024-01-31"), "2024-02-01");
  assert.equal(after("2024-01-31T00:00:00Z"), "2024-01-31T00:00:00Z");
  assert.equal(after(new Date("2024-01-31T06:00:00Z")), "2024-01-31T06:00:00.000Z");
});
