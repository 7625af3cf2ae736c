/** One request, and when to make it again. */
import { FinopsError } from "./errors.js";
import type { components } from "./schema.js";

/** The longest pause between two attempts, in milliseconds, unless the service asks for more. */
export const MAX_DELAY = 30_000;
/** The longest pause that the service may ask for. */
export const MAX_RETRY_AFTER = 120_000;

/** Waits so many milliseconds (told too how many the service asked for), and answers whether to go on. */
export type Pause = (ms: number, asked: number | undefined) => Promise<boolean>;

/** Speaks to the service. */
export class Transport {
  readonly #base: string;
  readonly #apiKey: string | undefined;
  readonly #timeout: number;

  constructor(baseUrl: string, apiKey: string | undefined, timeout: number) {
    // Older guides give the address of the API instead of the service's.
    this.#base = baseUrl
      .trim()
      .replace(/\/+$/, "")
      .replace(/\/api$/, "");
    this.#apiKey = apiKey;
    this.#timeout = timeout;
  }

  /** @throws FinopsError */
  get(path: string, query: Record<string, string>): Promise<unknown> {
    return this.#send("GET", `${path}?${new URLSearchParams(query)}`);
  }

  /** @throws FinopsError */
  post(path: string, body: string, cancel?: AbortController): Promise<unknown> {
    return this.#send("POST", path, body, cancel);
  }

  /** The same, within so many milliseconds. @throws FinopsError */
  within(timeout: number, method: "POST" | "DELETE", path: string, body?: string): Promise<unknown> {
    return this.#send(method, path, body, new AbortController(), timeout);
  }

  async #send(
    method: string,
    path: string,
    body?: string,
    cancel = new AbortController(),
    timeout = this.#timeout,
  ): Promise<unknown> {
    if (!this.#apiKey) throw new FinopsError("not_configured", "give an apiKey, or set FINOPS_API_KEY");
    const headers: Record<string, string> = { authorization: `Bearer ${this.#apiKey}`, accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    let request: Request;
    try {
      // The key must not follow a redirect to somebody else.
      request = new Request(this.#base + path, {
        method,
        headers,
        body: body ?? null,
        redirect: "manual",
        signal: cancel.signal,
      });
    } catch (cause) {
      throw new FinopsError("not_configured", `the address of the service or the key cannot be used: ${cause}`, {
        cause,
      });
    }
    const timer = setTimeout(() => cancel.abort(), timeout);
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(request);
      text = await answer.text();
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
      throw new FinopsError("network", cancel.signal.aborted ? "no answer in time" : String(reason), { cause });
    } finally {
      clearTimeout(timer);
    }
    if (!answer.ok) throw refusal(answer, text);
    if (answer.status === 204) return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      // Whoever answered was not the service.
      throw new FinopsError("network", "the answer is no JSON", { cause });
    }
  }
}

function refusal(answer: Response, text: string): FinopsError {
  let problem: Partial<components["schemas"]["Problem"]> = {};
  try {
    problem = JSON.parse(text) ?? {};
  } catch {
    // Not the service, then.
  }
  const message = problem.detail ?? problem.title ?? answer.statusText;
  return new FinopsError(problem.code ?? `http_${answer.status}`, message, {
    status: answer.status,
    retryAfter: retryAfter(answer.headers.get("retry-after"), Date.now()),
    requestId: problem.requestId,
    problem,
  });
}

/** Milliseconds from now that a Retry-After header asks for, as seconds or as a date. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (!header) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Milliseconds before the attempt after `attempt` (from 0): doubling, spread, bounded, and no less than asked for. */
export function delay(attempt: number, base: number, asked: number | undefined, jitter: number): number {
  const own = Math.min(MAX_DELAY, base * 2 ** Math.min(attempt, 16));
  if (asked === undefined) return own * (0.5 + jitter / 2);
  return Math.min(asked, MAX_RETRY_AFTER) + (own * jitter) / 2;
}

/** Does it, again where that can help. */
export async function withRetries<T>(work: () => Promise<T>, retries: number, base: number, pause: Pause): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FinopsError) || !error.retryable || attempt >= retries) throw error;
      const ms = delay(attempt, base, error.retryAfter, Math.random());
      if (!(await pause(ms, error.retryAfter))) throw error;
    }
  }
}
