/** Asking whether a call may be made, over `POST /api/guard/check`. */
import { FinopsError } from "./errors.js";
import type { components } from "./schema.js";

type Schemas = components["schemas"];
type Request = Schemas["GuardCheckRequest"];

/** What remains. Amounts are exact decimal strings. */
export type GuardAnswer = Schemas["GuardAnswer"];
/** How a budget stands. */
export type GuardBudget = Schemas["GuardBudget"];
/** What stops a call. */
export type GuardBlock = Schemas["GuardBlock"];

/** A call that is about to be made, as `POST /api/guard/check` takes it. */
export type Call = Omit<Partial<Request>, "estimatedCost"> & {
  /** What it will cost at most, in US dollars: a decimal string, or a number as it is written in JSON. */
  estimatedCost?: string | number | null | undefined;
};

/** How to ask. */
export interface CheckOptions {
  /** Whether the call is allowed when nobody can say: `closed` (by default) or `open`. */
  onUnavailable?: "closed" | "open" | undefined;
  /** How long an answer may take, in milliseconds; 1,000 by default. */
  timeout?: number | undefined;
}

/** Whether a call may be made, and why not. */
export interface Decision {
  allowed: boolean;
  /**
   * Why not: `budget_exceeded`, `blocked` or `throttled`. Where nobody could say, the code of what went wrong (`network`,
   * `guard_unavailable`, …), whether it is allowed for that or not.
   */
  reason?: string;
  /** Milliseconds after which it makes sense to ask again. */
  retryAfter?: number | undefined;
  /** What remains, if the service said that it may. */
  answer?: GuardAnswer;
  /** The budget into which it does not fit, … */
  budget?: GuardBudget | undefined;
  /** … or the block that stops it. */
  block?: GuardBlock | undefined;
  /** What is held, to be settled or released. */
  reservationId?: string | undefined;
}

/** How long a check may take, unless it is said: whoever is about to make a call waits for it. */
export const TIMEOUT = 1_000;

/** The answers that are the guard's word. */
const WORDS = ["budget_exceeded", "blocked", "throttled"];

/** Asks. @throws FinopsError for what no later attempt can mend: a wrong key, a project that there is not. */
export async function check(post: () => Promise<unknown>, onUnavailable: "closed" | "open"): Promise<Decision> {
  try {
    const answer = (await post()) as GuardAnswer | null;
    if (!Array.isArray(answer?.budgets)) throw new FinopsError("network", "the answer is not the service's");
    return { allowed: true, answer, reservationId: answer.reservationId ?? undefined };
  } catch (error) {
    if (!(error instanceof FinopsError)) throw error;
    const said = WORDS.includes(error.code);
    if (!said && !error.retryable) throw error;
    const { budget, block } = error.problem as Schemas["GuardRefusal"];
    const allowed = !said && onUnavailable === "open";
    return {
      allowed,
      reason: error.code,
      retryAfter: error.retryAfter,
      budget: budget ?? undefined,
      block: block ?? undefined,
    };
  }
}
