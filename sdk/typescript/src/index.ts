/** Reports AI calls to FinOps for AI, and reads what they cost. */
export type { AnalyticsOptions, CostPart, CostRow, ProjectAnalytics } from "./analytics.js";
export { type BulkResult, type FailedEvent, Finops, type Options, type Settings, type Stats } from "./client.js";
export { FinopsError, type RejectedEvent } from "./errors.js";
export type { UsageEvent } from "./events.js";
export type { Call, CheckOptions, Decision, GuardAnswer, GuardBlock, GuardBudget } from "./guard.js";
export type { Fields, MeterOptions } from "./meter.js";
