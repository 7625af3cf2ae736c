/** What can go wrong. */
import type { components } from "./schema.js";

/** An event of a batch that the service did not take. */
export type RejectedEvent = components["schemas"]["RejectedEvent"];

interface Details {
  status?: number | undefined;
  retryAfter?: number | undefined;
  requestId?: string | undefined;
  eventIds?: readonly string[];
  rejected?: readonly RejectedEvent[];
  count?: number;
  problem?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/**
 * What the service answered, or why it did not.
 *
 * `code` is the service's stable name, or one of `network` (no answer), `not_configured`, `not_encodable`,
 * `event_too_large`, `queue_full`, `closed`, `not_metered`.
 */
export class FinopsError extends Error {
  override readonly name = "FinopsError";
  readonly code: string;
  /** The message without the code. */
  readonly detail: string;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** Milliseconds after which the service wants to be asked again. */
  readonly retryAfter: number | undefined;
  /** Finds the request in the service's logs. */
  readonly requestId: string | undefined;
  /** The ids of the events that are concerned. */
  readonly eventIds: readonly string[];
  /** How many events are concerned. */
  readonly count: number;
  /** The events of a batch that the service did not take, with why; `index` is the place in `eventIds`. */
  readonly rejected: readonly RejectedEvent[];
  /** All that the service answered, where it was the service. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Details = {}) {
    super(`${code}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.detail = message;
    this.status = details.status;
    this.retryAfter = details.retryAfter;
    this.requestId = details.requestId;
    this.eventIds = details.eventIds ?? [];
    this.count = details.count ?? this.eventIds.length;
    this.rejected = details.rejected ?? [];
    this.problem = details.problem ?? {};
  }

  /** Whether the same request may succeed later. The ids stay the same, so nothing is stored twice. */
  get retryable(): boolean {
    if (this.status === undefined) return this.code === "network";
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}
