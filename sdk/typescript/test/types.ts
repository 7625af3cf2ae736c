// What the compiler has to agree with; nothing of it runs.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { Finops, type ProjectAnalytics, type UsageEvent } from "../src/index.js";

const finops = new Finops({
  apiKey: "fin_",
  base_url: "http://localhost:8080",
  onError: ({ code, count }) => [code, count],
});

export const openai: OpenAI = finops.meter(new OpenAI(), { service: "tutor", tags: ["a"] }, { streamUsage: false });
export const anthropic: Anthropic = finops.instrument(new Anthropic(), ({ user }) => ({ user_id: user }));

export const id: string | undefined = finops.track({
  model: "gpt-4o",
  prompt_tokens: 1,
  completionTokens: 2,
  cost: 0.0035,
});
finops.track({ model: "gpt-4o", usage: {} as OpenAI.CompletionUsage, metadata: { a: [1] }, timestamp: new Date() });
finops.track({ model: "gpt-4o", usage: null, costAllocation: { team: "content" }, tags: ["a"], environment: "ci" });
// @ts-expect-error an event names its model
finops.track({ promptTokens: 1 });
// @ts-expect-error a count is a number
finops.track({ model: "gpt-4o", promptTokens: {} });
// @ts-expect-error there is no such option
new Finops({ apikey: "fin_" });

export async function guarded(): Promise<string | undefined> {
  const { allowed, answer, budget, reservationId } = await finops.check(
    { service: "tutor", estimated_cost: 0.02, reserve: true },
    { onUnavailable: "open" },
  );
  if (!allowed) return budget?.periodEndsAt;
  if (reservationId) await finops.settle(reservationId, "0.0193");
  // @ts-expect-error a service is a text
  await finops.check({ service: 1 });
  return answer?.budgets[0]?.currency;
}

export async function main(events: UsageEvent[]): Promise<string | null> {
  const { rejected } = await finops.bulkImport(events);
  rejected.map(({ pointer }) => pointer.length);
  const analytics: ProjectAnalytics = await finops.getProjectAnalytics("id", {
    start_date: "2026-01-01",
    groupBy: "day",
  });
  await finops.close();
  return analytics.summary.totalCost;
}
