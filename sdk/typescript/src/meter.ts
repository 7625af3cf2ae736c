/**
 * Meters the clients of OpenAI and Anthropic, and those that speak like them.
 *
 * The methods that call a model are replaced on the client's own resources: everything else about the client stays as
 * it is, and helpers that use these methods are metered too. What the vendor answers is what the caller gets, and what
 * it throws is what the caller sees; nothing in here may be in the way.
 */
import { FinopsError } from "./errors.js";
import { newId, type UsageEvent } from "./events.js";

// `any`, here: a client is known by what it can do alone.

/** What goes into the event of every call, or a function that tells it from the call's request. */
export type Fields = Partial<UsageEvent> | ((request: Record<string, any>) => Partial<UsageEvent>);

export interface MeterOptions {
  /** Whether chat streams are asked for their usage where the caller does not; true by default. */
  streamUsage?: boolean | undefined;
}

interface Settings {
  track(event: UsageEvent): unknown;
  report(error: unknown): void;
  fields: Fields;
  streamUsage: boolean;
  provider?: string | undefined;
}

const CHAT = "chat.completions.create";
const METHODS = [CHAT, "responses.create", "embeddings.create", "messages.create", "beta.messages.create"];

/** Whose model it is, by the end of the host's name; elsewhere the service tells by the model. */
const VENDORS: [string, string][] = [
  ["api.openai.com", "openai"],
  [".openai.azure.com", "azure"],
  ["api.anthropic.com", "anthropic"],
  [".amazonaws.com", "aws_bedrock"],
  ["-aiplatform.googleapis.com", "vertex_ai"],
];

const METERED = Symbol("finops-sdk");

/** Replaces what calls a model, once. */
export function meter(client: any, settings: Settings): void {
  const own = { ...settings, provider: vendor(client.baseURL) };
  const found = METHODS.map((path) => replace(client, path, own));
  if (!found.includes(true))
    throw new FinopsError("not_metered", "the client has none of the methods that are metered");
  const copy = client.withOptions;
  if (typeof copy !== "function" || copy[METERED]) return;
  // A client that is made from a metered one is metered.
  const copying = (...args: unknown[]) => {
    const made = copy.apply(client, args);
    try {
      meter(made, settings);
    } catch (error) {
      settings.report(error);
    }
    return made;
  };
  client.withOptions = Object.assign(copying, { [METERED]: true });
}

function vendor(baseUrl: unknown): string | undefined {
  try {
    const host = new URL(String(baseUrl)).hostname;
    return VENDORS.find(([end]) => host.endsWith(end))?.[1];
  } catch {
    return undefined;
  }
}

function replace(client: any, path: string, settings: Settings): boolean {
  const names = path.split(".");
  const name = names.pop() as string;
  const resource = names.reduce((parent, child) => parent?.[child], client);
  const original = resource?.[name];
  if (typeof original !== "function") return false;
  if (!original[METERED]) {
    const metered = (request: any, ...rest: unknown[]) => {
      const call = new Call(path, request, settings);
      try {
        return call.promised(original.call(resource, call.request, ...rest));
      } catch (error) {
        call.failed(error);
        throw error;
      }
    };
    resource[name] = Object.assign(metered, { [METERED]: true });
  }
  return true;
}

/** One call of a model, from its request to the event that it becomes. */
class Call {
  readonly request: any;
  readonly #path: string;
  readonly #settings: Settings;
  readonly #at = new Date();
  readonly #start = performance.now();
  /** Whether a chunk with the usage was asked for that the caller does not expect. */
  readonly #hides: boolean;
  #id: string | undefined;
  #model: string | undefined;
  #tier: string | undefined;
  #usage: Record<string, unknown> | undefined;
  /** Whether the usage is the whole of it. */
  #whole = false;
  #done = false;

  constructor(path: string, request: any, settings: Settings) {
    this.#path = path;
    this.#settings = settings;
    const { stream, stream_options: options } = request ?? {};
    // Chat streams tell their usage only when asked to.
    this.#hides = path === CHAT && stream === true && settings.streamUsage && options?.include_usage === undefined;
    this.request = this.#hides ? { ...request, stream_options: { ...options, include_usage: true } } : request;
  }

  /**
   * The vendor's promise for all that anybody can see. It may be read in several ways, and some read the body: nothing
   * is read here that the caller does not read.
   */
  promised(promise: any): any {
    if (typeof promise?.then !== "function") return promise;
    const failed = (error: unknown) => {
      this.failed(error);
      throw error;
    };
    const answered = (value: unknown) => this.answered(value);
    const ways: Record<PropertyKey, (...args: any[]) => unknown> = {
      then: (...handlers) => promise.then(answered, failed).then(...handlers),
      catch: (handler) => promise.then(answered, failed).catch(handler),
      finally: (handler) => promise.then(answered, failed).finally(handler),
      withResponse: () =>
        promise.withResponse().then((both: any) => ({ ...both, data: this.answered(both.data) }), failed),
      asResponse: () =>
        promise.asResponse().then((response: unknown) => {
          this.#record("success");
          return response;
        }, failed),
      // What the vendors' own helpers use.
      _thenUnwrap: (transform, ...rest) =>
        this.promised(
          promise._thenUnwrap(
            (value: unknown, ...more: unknown[]) => transform(this.answered(value), ...more),
            ...rest,
          ),
        ),
    };
    return new Proxy(promise, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (Object.hasOwn(ways, name) && ways[name as string]) || value.bind(target);
      },
    });
  }

  /** Takes the answer; for a stream, has it counted while it is read. */
  answered(value: any): any {
    if (this.#done) return value;
    try {
      if (typeof value?.[Symbol.asyncIterator] === "function") this.#count(value);
      else {
        this.#learn(value);
        this.#record("success");
      }
    } catch (error) {
      this.#settings.report(error);
    }
    return value;
  }

  failed(error: any): void {
    const name = error?.constructor?.name ?? typeof error;
    const cancelled = error?.name === "AbortError" || name === "APIUserAbortError";
    const about = typeof error?.status === "number" ? { httpStatus: error.status } : {};
    this.#record(cancelled ? "cancelled" : "error", { errorType: name, ...about });
  }

  /** Counts a stream by whichever way its parts come out. */
  #count(stream: any): void {
    const way = typeof stream.iterator === "function" ? "iterator" : Symbol.asyncIterator;
    const original = stream[way];
    if (original[METERED]) return;
    const counted = () => this.#parts(original.call(stream), stream);
    stream[way] = Object.assign(counted, { [METERED]: true });
  }

  async *#parts(source: AsyncIterable<any>, stream: any): AsyncGenerator<any> {
    try {
      for await (const part of source) if (this.#observed(part)) yield part;
      // A stream that the caller aborts ends as if there were no more.
      if (!stream.controller?.signal?.aborted) this.#record("success");
    } catch (error) {
      this.failed(error);
      throw error;
    } finally {
      this.#record(this.#whole ? "success" : "cancelled");
    }
  }

  /** Takes a part of a stream; whether the caller is to see it. */
  #observed(part: any): boolean {
    try {
      this.#learn(part);
      return !(this.#hides && part.usage && part.choices?.length === 0);
    } catch (error) {
      this.#settings.report(error);
      return true;
    }
  }

  #learn(part: any): void {
    const inner = [part?.response, part?.message].find((inner) => inner?.id !== undefined && "usage" in inner);
    const { id, model, usage, service_tier: tier } = inner ?? part ?? {};
    this.#id = id || this.#id;
    this.#model = model || this.#model;
    this.#tier = tier || usage?.service_tier || this.#tier;
    if (!usage) return;
    const told = Object.entries(usage).filter(([, value]) => value !== null && value !== undefined);
    // Anthropic's streams tell the input at the start and the rest at the end.
    this.#usage = { ...this.#usage, ...Object.fromEntries(told) };
    this.#whole = part.type !== "message_start";
  }

  #record(status: string, about: Record<string, unknown> = {}): void {
    if (this.#done) return;
    this.#done = true;
    try {
      const { fields } = this.#settings;
      const { metadata, ...own } = (typeof fields === "function" ? fields(this.request ?? {}) : fields) as any;
      const event: UsageEvent = {
        eventId: this.#id ?? newId(),
        timestamp: this.#at,
        model: this.#model ?? String(this.request?.model ?? "unknown"),
        // A part of the usage would be a part of the cost that looks like the whole.
        ...(this.#whole && this.#usage ? { usage: this.#usage } : {}),
        ...(this.#settings.provider ? { provider: this.#settings.provider } : {}),
        ...(this.#tier ? { serviceTier: this.#tier } : {}),
        responseTime: Math.round(performance.now() - this.#start),
        status,
        metadata: { operation: this.#path, ...about, ...metadata },
      };
      // What the caller says of a call goes before what is seen of it, in either spelling.
      for (const name of Object.keys(event)) if (snake(name) in own) delete event[name];
      this.#settings.track({ ...event, ...own });
    } catch (error) {
      this.#settings.report(error);
    }
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
