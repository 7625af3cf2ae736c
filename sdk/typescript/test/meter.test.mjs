// The vendors' own clients, metered, against a vendor that answers as documented and the running service.
import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { Bench } from "./support.mjs";

const CHAT_USAGE = {
  prompt_tokens: 1200,
  completion_tokens: 300,
  total_tokens: 1500,
  prompt_tokens_details: { cached_tokens: 1000, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 100 },
};
const ASK = { model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] };
const CLAUDE = { model: "claude-opus-4-6", max_tokens: 10, messages: ASK.messages };

const chat = (id) => ({
  id,
  object: "chat.completion",
  created: 1_764_000_000,
  model: "gpt-4o-2024-08-06",
  choices: [{ index: 0, message: { role: "assistant", content: '{"word":"Hello"}' }, finish_reason: "stop" }],
  usage: CHAT_USAGE,
  service_tier: "default",
});

const chunk = (id, content, more = {}) => ({
  id,
  object: "chat.completion.chunk",
  created: 1_764_000_000,
  model: "gpt-4o-2024-08-06",
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  usage: null,
  ...more,
});

const lastChunk = (id) => chunk(id, "", { choices: [], usage: CHAT_USAGE });

const CLAUDE_USAGE = {
  input_tokens: 2095,
  cache_creation_input_tokens: 2051,
  cache_read_input_tokens: 100,
  cache_creation: { ephemeral_5m_input_tokens: 51, ephemeral_1h_input_tokens: 2000 },
  output_tokens: 503,
  service_tier: "standard",
};
const CLAUDE_UNITS = {
  cache_write_1h: "2000.000000",
  cache_write_5m: "51.000000",
  cached_input: "100.000000",
  input: "2095.000000",
  output: "503.000000",
};

const message = (id, usage = CLAUDE_USAGE) => ({
  id,
  type: "message",
  role: "assistant",
  model: "claude-opus-4-6",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage,
});

const messageParts = (id) => [
  {
    type: "message_start",
    message: { ...message(id, { ...CLAUDE_USAGE, output_tokens: 1 }), content: [], stop_reason: null },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 503 } },
  { type: "message_stop" },
];

/** A vendor's client whose events are in this test's session. */
async function metered(t, Client, fields = {}, options = {}) {
  const bench = new Bench(t);
  const vendor = await bench.vendor();
  const finops = bench.client({ flushInterval: 60_000 });
  const made = new Client({ apiKey: "sk-test", baseURL: vendor.url, maxRetries: 0 });
  const client = finops.meter(made, { sessionId: bench.session, ...fields }, options);
  const events = async () => {
    assert.equal(await finops.flush(10_000), true);
    assert.deepEqual(bench.errors, []);
    return bench.stored();
  };
  const only = async () => {
    const [event, ...others] = await events();
    assert.deepEqual(others, []);
    return event;
  };
  return { client, made, vendor, finops, session: bench.session, id: `answer-${bench.session}`, events, only };
}

function assertChat(event, id) {
  const units = Object.fromEntries(Object.entries(event.units).map(([kind, count]) => [kind, Number(count)]));
  assert.deepEqual(units, { cached_input: 1000, input: 200, output: 200, reasoning: 100 });
  assert.deepEqual([event.eventId, event.model, event.status], [id, "gpt-4o-2024-08-06", "success"]);
  // 200 × 2.50 + 1000 × 1.25 + 300 × 10.00 dollars a million.
  assert.deepEqual([event.cost, event.state], ["0.004750", "estimated"]);
}

const texts = async (stream) => {
  const found = [];
  for await (const part of stream) found.push(part.choices[0].delta.content);
  return found;
};

test("a chat is metered", async (t) => {
  const { client, made, vendor, id, only } = await metered(t, OpenAI, {
    service: "tutor",
    tags: ["a"],
    metadata: { build: 7 },
  });
  vendor.json(chat(id));
  const answer = await client.chat.completions.create(ASK);
  assert.equal(client, made);
  assert.deepEqual([answer.choices[0].message.content, answer.usage], ['{"word":"Hello"}', CHAT_USAGE]);
  const event = await only();
  assertChat(event, id);
  assert.deepEqual([event.service, event.tags, event.serviceTier], ["tutor", ["a"], "default"]);
  assert.deepEqual(event.metadata, { build: 7, operation: "chat.completions.create" });
  assert.ok(event.responseTime >= 0);
  assert.deepEqual(vendor.requests, [ASK]);
});

test("metering twice counts once, and copies are metered", async (t) => {
  const { client, finops, vendor, id, only } = await metered(t, OpenAI);
  vendor.json(chat(id));
  await finops.meter(client).withOptions({ timeout: 5_000 }).chat.completions.create(ASK);
  assertChat(await only(), id);
});

test("fields may depend on the call", async (t) => {
  const { vendor, finops, session, id, only } = await metered(t, OpenAI);
  const client = new OpenAI({ apiKey: "sk-test", baseURL: vendor.url });
  finops.meter(client, ({ user }) => ({ session_id: session, user_id: user, event_id: `${id}-mine` }));
  vendor.json(chat(id));
  await client.chat.completions.create({ ...ASK, user: "u-1" });
  const event = await only();
  assert.deepEqual([event.userId, event.eventId], ["u-1", `${id}-mine`]);
});

test("the answer can be had with its response, parsed, and raw", async (t) => {
  const { client, vendor, id, events } = await metered(t, OpenAI);
  vendor.json(chat(`${id}-1`));
  const { data, response } = await client.chat.completions.create(ASK).withResponse();
  assert.deepEqual([data.id, response.status], [`${id}-1`, 200]);
  vendor.json(chat(`${id}-2`));
  const format = { type: "json_schema", json_schema: { name: "word", strict: true, schema: { type: "object" } } };
  const parsed = await client.chat.completions.parse({ ...ASK, response_format: format });
  assert.deepEqual(parsed.choices[0].message.parsed, { word: "Hello" });
  vendor.json(chat(`${id}-3`));
  const raw = await client.chat.completions.create(ASK).asResponse();
  assert.equal((await raw.json()).id, `${id}-3`);
  const stored = Object.fromEntries((await events()).map((event) => [event.eventId, event]));
  assertChat(stored[`${id}-1`], `${id}-1`);
  assertChat(stored[`${id}-2`], `${id}-2`);
  // Whoever reads the body alone has the usage alone: the call counts, its cost is not known.
  const [unread] = Object.values(stored).filter(({ eventId }) => !eventId.startsWith(id));
  assert.deepEqual([unread.cost, unread.state, Object.keys(stored).length], [null, "unpriced", 3]);
});

test("a stream is metered by a chunk that the caller does not see", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI);
  vendor.stream(chunk(id, "Hel"), chunk(id, "lo"), lastChunk(id), "[DONE]");
  const stream = await client.chat.completions.create({ ...ASK, stream: true });
  assert.deepEqual(await texts(stream), ["Hel", "lo"]);
  assertChat(await only(), id);
  assert.deepEqual(vendor.requests[0].stream_options, { include_usage: true });
});

test("a stream that is split is counted once", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI);
  vendor.stream(chunk(id, "Hel"), chunk(id, "lo"), lastChunk(id), "[DONE]");
  const halves = (await client.chat.completions.create({ ...ASK, stream: true })).tee();
  assert.deepEqual(await Promise.all(halves.map(texts)), [
    ["Hel", "lo"],
    ["Hel", "lo"],
  ]);
  assertChat(await only(), id);
});

test("the vendor's own helper for streams is metered", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI);
  const stop = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
  vendor.stream(
    chunk(id, "Hello", { choices: [{ index: 0, delta: { role: "assistant", content: "Hello" } }] }),
    chunk(id, "", stop),
    lastChunk(id),
    "[DONE]",
  );
  assert.equal(await client.chat.completions.stream(ASK).finalContent(), "Hello");
  assertChat(await only(), id);
});

test("a caller who asks for the usage gets it", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI);
  vendor.stream(chunk(id, "Hello"), lastChunk(id), "[DONE]");
  const stream = await client.chat.completions.create({
    ...ASK,
    stream: true,
    stream_options: { include_usage: true },
  });
  const usages = [];
  for await (const part of stream) usages.push(part.usage);
  assert.deepEqual(usages, [null, CHAT_USAGE]);
  assertChat(await only(), id);
});

test("requests can be left as they are", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI, {}, { streamUsage: false });
  vendor.stream(chunk(id, "Hello"), "[DONE]");
  assert.deepEqual(await texts(await client.chat.completions.create({ ...ASK, stream: true })), ["Hello"]);
  const event = await only();
  assert.deepEqual([event.cost, event.state, event.resolution], [null, "unpriced", "nothing_measured"]);
  assert.deepEqual(vendor.requests, [{ ...ASK, stream: true }]);
});

test("a stream that nobody reads to its end is unknown and not free", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI);
  vendor.stream(chunk(id, "Hel"), chunk(id, "lo"), lastChunk(id), "[DONE]");
  for await (const part of await client.chat.completions.create({ ...ASK, stream: true })) {
    assert.equal(part.choices[0].delta.content, "Hel");
    break;
  }
  const event = await only();
  assert.deepEqual([event.eventId, event.status, event.cost], [id, "cancelled", null]);
});

test("what the vendor throws is what the caller sees", async (t) => {
  const { client, vendor, only } = await metered(t, OpenAI);
  vendor.json({ error: { message: "slow down, please", code: "rate_limit_exceeded" } }, 429);
  const asked = client.chat.completions.create(ASK);
  await assert.rejects(asked, (error) => error instanceof OpenAI.RateLimitError && /slow down/.test(error.message));
  const event = await only();
  assert.deepEqual([event.status, event.failed, event.cost, event.model], ["error", true, null, "gpt-4o"]);
  assert.deepEqual(event.metadata, {
    errorType: "RateLimitError",
    httpStatus: 429,
    operation: "chat.completions.create",
  });
});

test("a stream that breaks is an error", async (t) => {
  const { client, vendor, id, only } = await metered(t, OpenAI);
  vendor.stream(chunk(id, "Hel"), { error: { message: "overloaded" } });
  await assert.rejects(texts(await client.chat.completions.create({ ...ASK, stream: true })), OpenAI.APIError);
  const event = await only();
  assert.deepEqual([event.eventId, event.failed, event.cost], [id, true, null]);
});

test("responses are metered whole and as a stream", async (t) => {
  const { client, vendor, id, events } = await metered(t, OpenAI);
  const usage = {
    input_tokens: 75,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 1186,
    output_tokens_details: { reasoning_tokens: 1024 },
    total_tokens: 1261,
  };
  const response = (id) => ({
    id,
    object: "response",
    created_at: 1,
    model: "gpt-4o",
    status: "completed",
    output: [],
    usage,
  });
  vendor.json(response(`${id}-1`));
  const created = { type: "response.created", sequence_number: 0, response: { ...response(`${id}-2`), usage: null } };
  vendor.stream(created, { type: "response.completed", sequence_number: 1, response: response(`${id}-2`) });
  const answer = await client.responses.create({ model: "gpt-4o", input: "Hi" });
  assert.equal(answer.output_text, "");
  const kinds = [];
  for await (const { type } of await client.responses.create({ model: "gpt-4o", input: "Hi", stream: true }))
    kinds.push(type);
  assert.deepEqual(kinds, ["response.created", "response.completed"]);
  const units = Object.fromEntries((await events()).map((event) => [event.eventId, event.units]));
  const expected = { input: "75.000000", output: "162.000000", reasoning: "1024.000000" };
  assert.deepEqual(units, { [`${id}-1`]: expected, [`${id}-2`]: expected });
});

test("embeddings are metered", async (t) => {
  const { client, vendor, only } = await metered(t, OpenAI);
  const data = [{ object: "embedding", index: 0, embedding: [0.5] }];
  const usage = { prompt_tokens: 8, total_tokens: 8 };
  vendor.json({ object: "list", data, model: "text-embedding-3-small", usage });
  await client.embeddings.create({ model: "text-embedding-3-small", input: "Hi", encoding_format: "float" });
  const event = await only();
  assert.deepEqual([event.units, event.state], [{ input: "8.000000" }, "estimated"]);
});

test("messages are metered whole, as a stream, and by the vendor's helper", async (t) => {
  const { client, vendor, id, events } = await metered(t, Anthropic);
  vendor.json(message(`${id}-1`));
  assert.equal((await client.messages.create(CLAUDE)).content[0].text, "Hello");
  vendor.stream(...messageParts(`${id}-2`));
  const kinds = [];
  for await (const { type } of await client.messages.create({ ...CLAUDE, stream: true })) kinds.push(type);
  assert.deepEqual(
    kinds,
    messageParts("").map(({ type }) => type),
  );
  vendor.stream(...messageParts(`${id}-3`));
  assert.equal(await client.messages.stream(CLAUDE).finalText(), "Hello");
  const found = (await events()).map(({ eventId, units, provider, serviceTier, status }) => [
    eventId,
    units,
    provider,
    serviceTier,
    status,
  ]);
  const expected = [1, 2, 3].map((number) => [`${id}-${number}`, CLAUDE_UNITS, "anthropic", "standard", "success"]);
  assert.deepEqual(found.sort(), expected);
});

test("half a stream is no usage", async (t) => {
  const { client, vendor, id, only } = await metered(t, Anthropic);
  vendor.stream(...messageParts(id));
  const stream = await client.messages.create({ ...CLAUDE, stream: true });
  for await (const { type } of stream) if (type === "message_start") break;
  const event = await only();
  assert.deepEqual([event.eventId, event.status, event.cost], [id, "cancelled", null]);
});
