/** The client: takes events without ever being in the caller's way, and sends them in the background. */
import { type AnalyticsOptions, type ProjectAnalytics, read } from "./analytics.js";
import { FinopsError, type RejectedEvent } from "./errors.js";
import { type Encoded, encode, encodeFields, join, MAX_BATCH_EVENTS, split, type UsageEvent } from "./events.js";
import { type Call, check, type CheckOptions, type Decision, TIMEOUT } from "./guard.js";
import { type Pause, Transport, withRetries } from "./http.js";
import { type Fields, meter, type MeterOptions } from "./meter.js";
import { EventQueue, type Limits } from "./queue.js";
import type { components } from "./schema.js";

const DEFAULT_URL = "http://localhost:8080";
/** How long the end of the program waits for what is still to be sent, in milliseconds. */
const EXIT_TIMEOUT = 5_000;
/** How often a question is asked again before the caller hears of it. */
const READ_RETRIES = 3;
/** The longest pause that a timer can keep. */
const FOREVER = 2 ** 31 - 1;

type Answer = components["schemas"]["UsageBatchAnswer"];

/** What a client is made with. Times are in milliseconds. */
export interface Settings {
  /** A key with the scope `ingest`, and `read` for analytics; FINOPS_API_KEY by default. */
  apiKey?: string | undefined;
  /** Where the service is; FINOPS_URL by default. */
  baseUrl?: string | undefined;
  /** The project of events that name none; FINOPS_PROJECT_ID by default. */
  projectId?: string | undefined;
  /** Hears of events that were refused or given up; `console.warn` by default. */
  onError?: ((error: FinopsError) => void) | undefined;
  /** Events in a request, at most 1,000; 500 by default. */
  batchSize?: number | undefined;
  /** How long an event may wait for others; 1,000 by default. */
  flushInterval?: number | undefined;
  /** How many events may wait; 10,000 by default. */
  maxQueue?: number | undefined;
  /** How many bytes may wait; 32 MiB by default. */
  maxQueueBytes?: number | undefined;
  /** How often a request is sent again; 10 by default. */
  maxRetries?: number | undefined;
  /** The pause before the first time, which doubles from then on; 500 by default. */
  retryDelay?: number | undefined;
  /** How long an answer may take; 10,000 by default. */
  timeout?: number | undefined;
}

type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : Name;
type EitherCase<T> = T & { [Name in keyof T & string as Snake<Name>]?: T[Name] };

/** What a client is made with, in either spelling. */
export type Options = EitherCase<Settings>;

/** An event of which it is not known that it was stored. Sending it again under its id is safe. */
export interface FailedEvent {
  index: number;
  eventId: string;
  code: string;
  message: string;
}

/** What became of an import; places count from 0 in the caller's list. */
export interface BulkResult {
  accepted: number;
  duplicates: number;
  rejected: RejectedEvent[];
  failed: FailedEvent[];
}

/** What became of the events so far. */
export interface Stats {
  queued: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  dropped: number;
}

interface Waiter {
  target: number;
  resolve: (settled: boolean) => void;
}

/** For this module alone: a client's last seconds. */
let finish: (client: Finops) => Promise<void>;

/** Reports AI calls to FinOps for AI, and reads what they cost. */
export class Finops {
  readonly #transport: Transport;
  readonly #projectId: string | undefined;
  readonly #onError: ((error: FinopsError) => void) | undefined;
  readonly #maxRetries: number;
  readonly #retryDelay: number;
  readonly #queue: EventQueue;
  readonly #counts = { accepted: 0, duplicates: 0, rejected: 0, dropped: 0 };

  #inFlight = 0;
  /** How many events were ever put in, and up to which of them somebody waits. */
  #put = 0;
  #wanted = 0;
  #waiters: Waiter[] = [];
  #pushedOut: string[] = [];
  #pumping: Promise<void> | undefined;
  #closed = false;
  #deadline: number | undefined;
  #request: AbortController | undefined;
  #wakeUp: (() => void) | undefined;

  constructor(options: Options = {}) {
    const given = camel(options);
    const limits: Limits = {
      maxEvents: Math.max(1, given.maxQueue ?? 10_000),
      maxBytes: given.maxQueueBytes ?? 32 * 1024 * 1024,
      batchEvents: Math.min(Math.max(1, given.batchSize ?? 500), MAX_BATCH_EVENTS),
      interval: given.flushInterval ?? 1_000,
    };
    this.#queue = new EventQueue(limits);
    const url = given.baseUrl || env("FINOPS_URL") || DEFAULT_URL;
    this.#transport = new Transport(url, given.apiKey || env("FINOPS_API_KEY"), given.timeout ?? 10_000);
    this.#projectId = given.projectId || env("FINOPS_PROJECT_ID") || undefined;
    this.#onError = given.onError;
    this.#maxRetries = given.maxRetries ?? 10;
    this.#retryDelay = given.retryDelay ?? 500;
  }

  // What callers use.

  /** Reports one AI call, in the background. Answers its id; nothing if it cannot be sent. Never throws. */
  track(event: UsageEvent): string | undefined {
    try {
      const encoded = encode(event, this.#projectId, new Date());
      this.#enqueue(encoded);
      return encoded.id;
    } catch (error) {
      const told = known(error);
      this.#counts.dropped += told.count;
      this.#report(told);
      return undefined;
    }
  }

  /** Reports many calls now, and answers what became of each. Never rejects for what the service answers. */
  async bulkImport(events: Iterable<UsageEvent>): Promise<BulkResult> {
    const result: BulkResult = { accepted: 0, duplicates: 0, rejected: [], failed: [] };
    const places: number[] = [];
    const ready: Encoded[] = [];
    let place = 0;
    for (const event of events) {
      try {
        // No time is made up: the same import again is then the same events, not others under their ids.
        ready.push(encode(event, this.#projectId));
        places.push(place);
      } catch (error) {
        const { code, detail } = known(error);
        result.rejected.push(rejected(place, code, "", detail));
      }
      place++;
    }
    let failure: FinopsError | undefined;
    for (const batch of split(ready)) {
      const own = places.splice(0, batch.length);
      // Once one batch was given up, the others would only wait for the same.
      if (!failure) {
        try {
          const answer = await this.#send(batch, sleep);
          result.accepted += answer.accepted;
          result.duplicates += answer.duplicates;
          for (const { index, code, pointer, message } of answer.rejected) {
            const field = pointer.split("/").slice(3).join("/");
            result.rejected.push(rejected(own[index] ?? index, code, field, message));
          }
          continue;
        } catch (error) {
          failure = known(error);
        }
      }
      const { code, detail: message } = failure;
      batch.forEach(({ id }, at) => result.failed.push({ index: own[at] ?? at, eventId: id, code, message }));
    }
    result.rejected.sort((one, other) => one.index - other.index);
    return result;
  }

  /**
   * What a project cost: `startDate`, `endDate` (inclusive), `groupBy` (`day` by default).
   *
   * Amounts are exact decimal strings; what is not known is null, never zero.
   *
   * @throws FinopsError
   */
  async getProjectAnalytics(
    projectId: string | undefined = this.#projectId,
    options: EitherCase<AnalyticsOptions> = {},
  ): Promise<ProjectAnalytics> {
    if (!projectId) throw new FinopsError("not_configured", "give a projectId, or set FINOPS_PROJECT_ID");
    const retries = Math.min(READ_RETRIES, this.#maxRetries);
    const get = (path: string, query: Record<string, string>) =>
      withRetries(() => this.#transport.get(path, query), retries, this.#retryDelay, sleep);
    return read(get, projectId, camel(options), new Date());
  }

  /**
   * Meters an OpenAI or Anthropic client: every answer's usage is tracked from now on. Answers the client.
   *
   * `fields` go into every event (`service`, `userId`, `tags`, …): an object, or a function of the call's request.
   */
  meter<Client extends object>(client: Client, fields: Fields = {}, options: MeterOptions = {}): Client {
    const report = (error: unknown) => this.#report(known(error, "not_metered"));
    try {
      meter(client, { track: (event) => this.track(event), report, fields, streamUsage: options.streamUsage ?? true });
    } catch (error) {
      report(error);
    }
    return client;
  }

  /** The same as `meter`. */
  instrument<Client extends object>(client: Client, fields?: Fields, options?: MeterOptions): Client {
    return this.meter(client, fields, options);
  }

  /**
   * Asks whether a call may be made, by the organization's hard budgets and blocks: `check({ service: "tutor" })`.
   *
   * @throws FinopsError for what is wrong with the question or the key, never for an answer that did not come.
   */
  async check(call: EitherCase<Call> = {}, options: EitherCase<CheckOptions> = {}): Promise<Decision> {
    const body = encodeFields(camel(call), this.#projectId);
    const { onUnavailable = "closed", timeout = TIMEOUT } = camel(options);
    return check(() => this.#transport.within(timeout, "POST", "/api/guard/check", body), onUnavailable);
  }

  /**
   * Says that the call for which something was reserved was made: after everything tracked so far was sent. False if that
   * could not be said; what is held goes by itself when its time is over. Never rejects.
   */
  async settle(reservationId: string, cost?: string | number, timeout: number = EXIT_TIMEOUT): Promise<boolean> {
    const path = `/api/guard/reservations/${encodeURIComponent(reservationId)}/settle`;
    const say = () => this.#transport.within(timeout, "POST", path, encodeFields({ cost }));
    return (await this.flush(timeout)) && this.#said(say);
  }

  /** Says that it was not made. False if that could not be said. Never rejects. */
  async release(reservationId: string, timeout: number = EXIT_TIMEOUT): Promise<boolean> {
    const path = `/api/guard/reservations/${encodeURIComponent(reservationId)}`;
    return this.#said(() => this.#transport.within(timeout, "DELETE", path));
  }

  async #said(say: () => Promise<unknown>): Promise<boolean> {
    try {
      await say();
      return true;
    } catch (error) {
      this.#report(known(error));
      return false;
    }
  }

  /** Waits until everything tracked so far is sent or given up; false when `timeout` milliseconds were too few. */
  flush(timeout?: number): Promise<boolean> {
    const target = this.#put;
    if (this.#settled() >= target) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = timeout === undefined ? undefined : setTimeout(() => finish(false), timeout);
      const finish = (settled: boolean) => {
        clearTimeout(timer);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(settled);
      };
      const waiter: Waiter = { target, resolve: finish };
      this.#waiters.push(waiter);
      this.#wanted = Math.max(this.#wanted, target);
      this.#wake();
    });
  }

  /** Sends what waits, for at most `timeout` milliseconds, and ends. */
  async close(timeout: number = EXIT_TIMEOUT): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#finish(timeout);
  }

  /** What became of the events so far, but for those of `bulkImport`. */
  stats(): Stats {
    return { queued: this.#queue.length + this.#inFlight, ...this.#counts };
  }

  // The background.

  #enqueue(event: Encoded): void {
    if (this.#closed) throw new FinopsError("closed", "the client was closed", { eventIds: [event.id] });
    const now = performance.now();
    const pushed = this.#queue.put(event, now);
    this.#put++;
    this.#counts.dropped += pushed.length;
    this.#pushedOut.push(...pushed.map(({ id }) => id));
    if (!this.#pumping || this.#queue.due(now) === 0) this.#wake();
  }

  #settled(): number {
    return this.#put - this.#queue.length - this.#inFlight;
  }

  #wake(): void {
    this.#wakeUp?.();
    if (this.#pumping || this.#queue.length === 0) return;
    atExit(this);
    this.#pumping = this.#pump();
  }

  async #pump(): Promise<void> {
    // Whoever tracks now may go on to track more before the first batch is looked at.
    await undefined;
    for (let due = this.#due(); due !== undefined; due = this.#due()) {
      if (due > 0) {
        await this.#sleep(due);
        continue;
      }
      const batch = this.#queue.take();
      this.#inFlight = batch.length;
      const pushed = this.#pushedOut.splice(0);
      if (pushed.length > 0) {
        const message = `${pushed.length} events were dropped, the oldest first`;
        this.#report(new FinopsError("queue_full", message, { eventIds: pushed }));
      }
      try {
        await this.#deliver(batch);
      } catch (error) {
        this.#giveUp(batch, known(error, "internal"));
      }
      this.#inFlight = 0;
      this.#notify();
    }
    this.#pumping = undefined;
    busy.delete(this);
    this.#notify();
  }

  /** In how many milliseconds the next batch is to be sent; nothing when there is none, or no time. */
  #due(): number | undefined {
    const now = performance.now();
    const due = this.#queue.due(now);
    if (due === undefined || (this.#deadline !== undefined && now >= this.#deadline)) return undefined;
    return this.#closed || this.#settled() < this.#wanted ? 0 : due;
  }

  /** Sleeps until then, or until something changes. A program may end meanwhile unless somebody waits. */
  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, FOREVER));
      if (this.#waiters.length === 0 && this.#deadline === undefined) (timer as { unref?(): void }).unref?.();
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }

  #notify(): void {
    const settled = this.#settled();
    for (const waiter of [...this.#waiters]) if (settled >= waiter.target) waiter.resolve(true);
  }

  async #deliver(batch: Encoded[]): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#send(batch, this.#pause);
    } catch (error) {
      const refused = known(error);
      if (refused.status !== 413 || batch.length === 1) return this.#giveUp(batch, refused);
      // Somebody between here and the service takes less than the service does.
      const half = batch.length >> 1;
      await this.#deliver(batch.slice(0, half));
      return this.#deliver(batch.slice(half));
    }
    this.#counts.accepted += answer.accepted;
    this.#counts.duplicates += answer.duplicates;
    this.#counts.rejected += answer.rejected.length;
    const [first] = answer.rejected;
    if (!first) return;
    const told = answer.rejected.map(({ code, message }, place) => rejected(place, code, "", message));
    const eventIds = answer.rejected.map(({ index }) => batch[index]?.id ?? "");
    const message = `${told.length} events were not taken, the first because: ${first.message}`;
    this.#report(new FinopsError(first.code, message, { eventIds, rejected: told }));
  }

  #send(batch: Encoded[], pause: Pause): Promise<Answer> {
    const body = join(batch);
    const background = pause === this.#pause;
    const post = async () => {
      const cancel = new AbortController();
      if (background) this.#request = cancel;
      try {
        return checked(await this.#transport.post("/api/usage/bulk", body, cancel));
      } finally {
        if (background) this.#request = undefined;
      }
    };
    return withRetries(post, this.#maxRetries, this.#retryDelay, pause);
  }

  /**
   * Waits between two attempts. The end shortens it to half of the time that is left, unless the service asked for more
   * than that: then there is no other attempt.
   */
  readonly #pause: Pause = async (ms, asked) => {
    let until = performance.now() + ms;
    let shortened = false;
    for (let now = performance.now(); now < until; now = performance.now()) {
      if (this.#deadline !== undefined && !shortened) {
        const left = this.#deadline - now;
        if (left < 50 || (asked !== undefined && asked > left)) return false;
        until = Math.min(until, now + left / 2);
        shortened = true;
      }
      await this.#sleep(until - now);
    }
    return true;
  };

  /** Sends what waits, and counts as lost what cannot be sent in time. */
  async #finish(timeout: number): Promise<void> {
    this.#deadline = performance.now() + timeout;
    if (!(await this.flush(timeout))) {
      this.#request?.abort();
      this.#wakeUp?.();
      await this.#pumping;
      let lost: Encoded[] = [];
      for (let batch = this.#queue.take(); batch.length > 0; batch = this.#queue.take()) lost = lost.concat(batch);
      if (lost.length > 0) this.#giveUp(lost, new FinopsError("closed", "there was no time left"));
    }
    this.#deadline = undefined;
  }

  #giveUp(batch: Encoded[], error: FinopsError): void {
    this.#counts.dropped += batch.length;
    const message = `${batch.length} events were given up: ${error.detail}`;
    const { code, status, requestId } = error;
    const eventIds = batch.map(({ id }) => id);
    this.#report(new FinopsError(code, message, { status, requestId, eventIds, cause: error }));
  }

  #report(error: FinopsError): void {
    try {
      if (this.#onError) this.#onError(error);
      else console.warn(`finops-sdk: ${error.message}`);
    } catch {
      // Whoever listens must not be in the way either.
    }
  }

  static {
    finish = (client) => client.#finish(EXIT_TIMEOUT);
  }
}

// The end of the program.

interface Process {
  env?: Record<string, string | undefined>;
  on?(event: "beforeExit", listener: () => void): void;
}

const { process } = globalThis as { process?: Process };
const busy = new Set<Finops>();
let listening = false;

function atExit(client: Finops): void {
  busy.add(client);
  if (listening) return;
  listening = true;
  process?.on?.("beforeExit", () => {
    for (const client of busy) void finish(client);
  });
}

function env(name: string): string | undefined {
  return process?.env?.[name];
}

// Small things.

/** Options by their names in camelCase. */
function camel<T extends object>(options: EitherCase<T>): T {
  const name = (text: string) => text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([text, value]) => [name(text), value])) as T;
}

function known(error: unknown, code = "not_encodable"): FinopsError {
  return error instanceof FinopsError ? error : new FinopsError(code, String(error), { count: 1, cause: error });
}

function checked(answer: unknown): Answer {
  const { rejected, accepted } = (answer ?? {}) as Partial<Answer>;
  if (Array.isArray(rejected) && typeof accepted === "number") return answer as Answer;
  throw new FinopsError("network", "the answer is not the service's");
}

function rejected(index: number, code: string, field: string, message: string): RejectedEvent {
  return { index, code, pointer: `/events/${index}${field && `/${field}`}`, message };
}

async function sleep(ms: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return true;
}
