/** What a project cost, over `GET /api/costs/query`. */
import type { components } from "./schema.js";

type Schemas = components["schemas"];
type Answer = Schemas["CostsAnswer"];

/** One row of costs. Amounts are exact decimal strings. */
export type CostRow = Schemas["CostRow"];

/** What to ask for. */
export interface AnalyticsOptions {
  /** The first day; 29 days ago by default. */
  startDate?: string | Date | undefined;
  /** The last day, which is part of the period; a time is not. Today by default. */
  endDate?: string | Date | undefined;
  /** `day` (by default), `model`, `provider`, `lineItem`, `apiKey`, `team`, `project`, or several. */
  groupBy?: string | readonly string[] | undefined;
}

/** What one service or model cost. */
export interface CostPart {
  name: string | null;
  cost: string;
  currency: string;
}

/** What a project cost. Amounts are exact decimal strings. */
export interface ProjectAnalytics {
  projectId: string;
  summary: {
    /** Null when nothing is known, or when there is more than one currency: `totals` has them all. */
    totalCost: string | null;
    currency: string | null;
    totals: Schemas["CostTotal"][];
    basis: Schemas["Basis"];
  };
  breakdown: {
    /** By what was asked for. */
    rows: CostRow[];
    /** By AI service. */
    services: CostPart[];
    /** By model; the name is null where the bill names none. */
    models: CostPart[];
  };
  /** `from` inclusive, `to` exclusive. */
  period: { from: string; to: string; dayZone: string };
  freshness: Schemas["Freshness"];
}

export type Get = (path: string, query: Record<string, string>) => Promise<unknown>;

/** How many rows a page has, the most that the service gives. */
const PAGE = "5000";
/** The period when none is asked for, in days, today included. */
const DAYS = 30;

/** Asks for it. */
export async function read(
  get: Get,
  projectId: string,
  options: AnalyticsOptions,
  now: Date,
): Promise<ProjectAnalytics> {
  const { startDate, endDate, groupBy = "day" } = options;
  const query = {
    from: startDate === undefined ? shifted(now, 1 - DAYS) : text(startDate),
    to: after(endDate ?? shifted(now, 0)),
    projectId,
    limit: PAGE,
  };
  const by = (group: string) => all(get, { ...query, groupBy: group });
  const groups = typeof groupBy === "string" ? groupBy : groupBy.join(",");
  const [answer, services, models] = await Promise.all([by(groups), by("provider"), by("model")]);
  const only = answer.totals.length === 1 ? answer.totals[0] : undefined;
  return {
    projectId,
    summary: {
      totalCost: only?.cost ?? null,
      currency: only?.currency ?? null,
      totals: answer.totals,
      basis: answer.basis,
    },
    breakdown: { rows: answer.data, services: parts(services, "provider"), models: parts(models, "model") },
    period: { from: answer.from, to: answer.to, dayZone: answer.dayZone },
    freshness: answer.freshness,
  };
}

/** Every page in one. */
async function all(get: Get, query: Record<string, string>): Promise<Answer> {
  const ask = async (more: Record<string, string>) => (await get("/api/costs/query", { ...query, ...more })) as Answer;
  const answer = await ask({});
  for (let cursor = answer.nextCursor; cursor;) {
    const page = await ask({ cursor });
    answer.data.push(...page.data);
    cursor = page.nextCursor;
  }
  return answer;
}

function parts(answer: Answer, dimension: "provider" | "model"): CostPart[] {
  return answer.data.map(({ dimensions, cost, currency }) => ({ name: dimensions[dimension] ?? null, cost, currency }));
}

function text(value: string | Date): string {
  return typeof value === "string" ? value : value.toISOString();
}

/** The end that the service wants: exclusive. A day is meant to be in the period, a time is not. */
export function after(end: string | Date): string {
  const day = typeof end === "string" && /^\d{4}-\d{2}-\d{2}$/.test(end) ? new Date(`${end}T00:00:00Z`) : undefined;
  return day && !Number.isNaN(day.getTime()) ? shifted(day, 1) : text(end);
}

function shifted(day: Date, days: number): string {
  return new Date(day.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}
