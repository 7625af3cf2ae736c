/** From what a caller tells to the text that is sent: once, so that every attempt sends the same. */
import { FinopsError } from "./errors.js";
import type { components } from "./schema.js";

type Request = components["schemas"]["UsageEventRequest"];
type Loose = "cost" | "audioSeconds" | "feedbackScore" | "timestamp" | "usage" | "metadata";

/** One AI call, as `POST /api/usage/track` takes it. Fields may be in snake_case too; what is not known is metadata. */
export type UsageEvent = Omit<Request, Loose> & {
  /** What the caller says it cost, in US dollars: a decimal string, or a number as it is written in JSON. */
  cost?: string | number | null;
  audioSeconds?: string | number | null;
  feedbackScore?: string | number | null;
  /** When the call was made. */
  timestamp?: string | number | Date | null;
  /** A vendor's `usage` object as it is in the vendor's answer, instead of the counts. */
  usage?: object | null;
  /** Whatever else. */
  metadata?: object | null;
  [field: string]: unknown;
};

/** What the service takes in one request. */
export const MAX_BATCH_EVENTS = 1_000;
export const MAX_BATCH_BYTES = 1024 * 1024;

const IDS = ["eventId", "event_id", "id", "responseId", "response_id"];
const TIMES = ["timestamp", "occurredAt", "occurred_at", "time"];
const PROJECTS = ["projectId", "project_id"];

const [HEAD, BETWEEN, TAIL] = ['{"events":[', ",", "]}"];

/** The room that a request has for events, in bytes. */
export const ROOM = MAX_BATCH_BYTES - HEAD.length - TAIL.length;

/** An event, ready to be sent. */
export interface Encoded {
  readonly id: string;
  readonly body: string;
  /** Its part of a request, in bytes. */
  readonly size: number;
}

const utf8 = new TextEncoder();

/**
 * Gives an event what it lacks (an id, the project, the time `at`) and writes it down.
 *
 * @throws FinopsError for what is no JSON or larger than a request may be.
 */
export function encode(event: object, projectId?: string, at?: Date): Encoded {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new FinopsError("not_encodable", "an event is an object", { count: 1 });
  }
  const fields: Record<string, unknown> = { ...event };
  if (first(fields, IDS) === undefined) fields["eventId"] = newId();
  if (at && first(fields, TIMES) === undefined) fields["timestamp"] = at.toISOString();
  if (projectId !== undefined && first(fields, PROJECTS) === undefined) fields["projectId"] = projectId;
  const id = String(first(fields, IDS));
  let body: string;
  try {
    body = JSON.stringify(fields, plain);
  } catch (cause) {
    throw new FinopsError("not_encodable", `the event is no JSON: ${cause}`, { eventIds: [id], cause });
  }
  const size = utf8.encode(body).length + BETWEEN.length;
  if (size > ROOM) {
    throw new FinopsError("event_too_large", `the event has ${size} bytes, more than a request may have`, {
      eventIds: [id],
    });
  }
  return { id, body, size };
}

/**
 * Writes down what is no event: fields without those that say nothing.
 *
 * @throws FinopsError for what is no JSON.
 */
export function encodeFields(fields: object, projectId?: string): string {
  const told = { ...(projectId !== undefined && { projectId }), ...fields };
  try {
    return JSON.stringify(told, (name, value) => plain(name, value) ?? undefined);
  } catch (cause) {
    throw new FinopsError("not_encodable", `this is no JSON: ${cause}`, { cause });
  }
}

/** The body of a bulk request. */
export function join(events: readonly Encoded[]): string {
  return HEAD + events.map((event) => event.body).join(BETWEEN) + TAIL;
}

/** Batches that a request can hold, in order. */
export function split(events: readonly Encoded[]): Encoded[][] {
  const batches: Encoded[][] = [];
  let batch: Encoded[] | undefined;
  let room = 0;
  for (const event of events) {
    if (!batch || batch.length === MAX_BATCH_EVENTS || event.size > room) {
      batches.push((batch = []));
      room = ROOM;
    }
    batch.push(event);
    room -= event.size;
  }
  return batches;
}

/** An id that nobody else makes. It is no secret: Node.js 18 and insecure pages have to do with less. */
export function newId(): string {
  if (typeof globalThis.crypto?.randomUUID === "function") return crypto.randomUUID();
  const hex = () =>
    Math.floor(Math.random() * 0x1_0000)
      .toString(16)
      .padStart(4, "0");
  return Array.from({ length: 8 }, hex).join("");
}

function first(fields: Record<string, unknown>, names: readonly string[]): unknown {
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** JSON would make null of a number that is none, which is as good as absent, and has no word for large integers. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("a number must be finite");
  return typeof value === "bigint" ? value.toString() : value;
}
