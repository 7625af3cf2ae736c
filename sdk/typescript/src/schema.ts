// Made by scripts/generate.mjs from openapi/openapi.json; do not edit.

export interface components {
    schemas: {
        /**
         * @description Exact decimal, at least six fraction digits, no exponent.
         * @example 12.345678
         */
        Amount: string;
        /**
         * @description Which ledger a figure comes from.
         * @enum {string}
         */
        Basis: "billed" | "provider_usage" | "events" | "mixed";
        /** @description The part of a sum that comes from one ledger. */
        BasisCost: {
            /** @description The ledger; never `mixed`. */
            basis: components["schemas"]["Basis"];
            /** @description What it says. */
            cost: components["schemas"]["Amount"];
            /**
             * Format: int64
             * @description Calls in it that have no price: it cost at least this.
             */
            unpriced?: number;
        };
        /**
         * @description Where it was set.
         * @enum {string}
         */
        BudgetKind: "budget" | "limit";
        /**
         * @description How long a budget's amount lasts.
         * @enum {string}
         */
        BudgetPeriod: "daily" | "weekly" | "monthly" | "quarterly" | "yearly";
        /** @description One row of costs. */
        CostRow: {
            /** @description The ledger it comes from. */
            basis: components["schemas"]["Basis"];
            /** @description Its parts, where it comes from several ledgers. */
            byBasis?: components["schemas"]["BasisCost"][];
            /** @description What it cost. */
            cost: components["schemas"]["Amount"];
            /**
             * @description ISO 4217. Rows of different currencies are never added.
             * @example USD
             */
            currency: string;
            /** @description What it is about. */
            dimensions: components["schemas"]["Dimensions"];
            /**
             * Format: int64
             * @description Calls of a model, where all of it is metered.
             */
            requests?: number | null;
            /** @description Whether it may still change. */
            settlement: components["schemas"]["Settlement"];
            /** @description What is known of it. */
            state: components["schemas"]["CostState"];
            /** @description Tokens by kind, where all of it is metered; the kinds do not overlap. */
            tokens?: {
                [key: string]: number;
            } | null;
            /**
             * Format: int64
             * @description All tokens, those too of which it was not said whether they went in or came out.
             */
            totalTokens?: number | null;
            /**
             * Format: int64
             * @description Calls in it that have no price: it cost at least `cost`.
             */
            unpriced?: number;
        };
        /** @description The answer of `GET /api/costs/query`. */
        CostsAnswer: {
            /** @description The ledger the rows come from. */
            basis: components["schemas"]["Basis"];
            /** @description The rows of this page. */
            data: components["schemas"]["CostRow"][];
            /**
             * @description The zone in which the days run: `UTC` wherever billed costs may be among them.
             * @example UTC
             */
            dayZone: string;
            /** @description How fresh it is. */
            freshness: components["schemas"]["Freshness"];
            /**
             * Format: date
             * @description The first day, inclusive.
             */
            from: string;
            /** @description Give it back as `cursor` for the next page. */
            nextCursor?: string | null;
            /**
             * Format: date
             * @description The day after the last, exclusive.
             */
            to: string;
            /** @description The sum of all rows of all pages, one for each currency. */
            totals: components["schemas"]["CostTotal"][];
        };
        /**
         * @description What is known of a figure.
         * @enum {string}
         */
        CostState: "billed" | "estimated" | "unpriced" | "free";
        /** @description A sum in one currency. */
        CostTotal: {
            /** @description The ledger it comes from. */
            basis?: components["schemas"]["Basis"];
            /** @description Its parts, where it comes from several ledgers. */
            byBasis?: components["schemas"]["BasisCost"][];
            /** @description What it cost. */
            cost: components["schemas"]["Amount"];
            /**
             * @description ISO 4217.
             * @example USD
             */
            currency: string;
            /** @description What is known of it. */
            state?: components["schemas"]["CostState"];
            /** @description The part of it that belongs to no project. */
            unattributed: components["schemas"]["Amount"];
            /**
             * Format: int64
             * @description Calls in it that have no price: it cost at least `cost`.
             */
            unpriced?: number;
        };
        /** @description What a row is about. Only what was grouped by is present; `null` means "belongs to none". */
        Dimensions: {
            /** @description The provider's id of its API key. */
            apiKey?: string | null;
            /**
             * Format: date
             * @description The day.
             */
            day?: string | null;
            environment?: components["schemas"]["Environment"] | null;
            /** @description The learner on whose behalf the calls were made. */
            learner?: string | null;
            /** @description The provider's line item. */
            lineItem?: string | null;
            /** @description The model; null where the line item names none. */
            model?: string | null;
            project?: components["schemas"]["Named"] | null;
            /** @description The AI vendor. */
            provider?: string | null;
            /** @description The calling service; null where calls named none. */
            service?: string | null;
            team?: components["schemas"]["Named"] | null;
        };
        /**
         * @description What happens once it is spent.
         * @enum {string}
         */
        Enforcement: "soft" | "hard";
        /**
         * @description Where a project runs.
         * @enum {string}
         */
        Environment: "production" | "staging" | "development" | "ci";
        /** @description What is wrong with one field. */
        FieldError: {
            /** @description What is wrong, a stable name: `required`, `length`, `email`, `range`, `unknown_field`, … */
            code: string;
            /** @description The same for people. */
            message: string;
            /** @description JSON pointer into the request (RFC 6901), `/email`; for a query parameter its name after the slash. */
            pointer: string;
        };
        /** @description How fresh the costs are. */
        Freshness: {
            /**
             * Format: date-time
             * @description When the collector last brought something in for the organization.
             */
            collectedAt?: string | null;
            /**
             * Format: date
             * @description Every UTC day before this one is settled.
             */
            settledBefore?: string | null;
            /** @description Teams whose last collection failed: their figures are the last good ones. */
            staleTeams: components["schemas"]["Named"][];
            /**
             * Format: date-time
             * @description Every minute before this one is known of the provider's usage; null while none is.
             */
            usageThrough?: string | null;
        };
        /** @description The call may be made. */
        GuardAnswer: {
            /**
             * Format: date-time
             * @description When the figures and blocks were read. Usually a few tenths of a second ago; more while the database is away.
             */
            asOf: string;
            /**
             * @description The hard budgets and the cost thresholds that cover the call and that the caller may see, the tightest first: the
             *     one of which least is left.
             */
            budgets: components["schemas"]["GuardBudget"][];
            /**
             * @description Whether nothing was compared with anything: the database has been away for longer than figures are believed, and the
             *     operator chose `GUARD_ON_DATABASE_LOSS=open`.
             * @example false
             */
            degraded: boolean;
            /**
             * Format: date-time
             * @description When it is held no longer, whatever happens.
             */
            expiresAt?: string | null;
            /**
             * Format: uuid
             * @description What is held, if that was asked for. Null otherwise, and while `degraded`.
             */
            reservationId?: string | null;
            /** @description The soft ones that are used up: nobody is stopped by them. */
            warnings: components["schemas"]["GuardBudget"][];
        };
        /** @description What stops a call. */
        GuardBlock: {
            /** @description Who set it. */
            cause: components["schemas"]["GuardBlockCause"];
            /**
             * Format: uuid
             * @description The block's id.
             */
            id: string;
            /**
             * Format: int32
             * @description How many calls a minute pass; null where none does.
             * @example 60
             */
            limitPerMinute?: number | null;
            /**
             * Format: date-time
             * @description Since when.
             */
            since: string;
            /** @description What it stops. */
            targetType: components["schemas"]["GuardBlockTarget"];
        };
        /**
         * @description Who stopped something.
         * @enum {string}
         */
        GuardBlockCause: "manual" | "budget";
        /**
         * @description What a block stops.
         * @enum {string}
         */
        GuardBlockTarget: "admin_key" | "project" | "api_key";
        /** @description How a budget or cost threshold that covers the call stands in the period that runs. */
        GuardBudget: {
            /** @description How much may be spent in a period. */
            amount: components["schemas"]["Amount"];
            /**
             * @description Of all these amounts.
             * @example USD
             */
            currency: string;
            /** @description Whether it refuses calls (`hard`), or only tells somebody. */
            enforcement: components["schemas"]["Enforcement"];
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description Whether it is a budget, or a project's cost threshold. */
            kind: components["schemas"]["BudgetKind"];
            /**
             * @description Its name.
             * @example Staging
             */
            name: string;
            percent?: components["schemas"]["Percent"] | null;
            /** @description How long its amount lasts. */
            period: components["schemas"]["BudgetPeriod"];
            /**
             * Format: date-time
             * @description When the period that runs is over, and all of the amount is there again.
             */
            periodEndsAt: string;
            remaining?: components["schemas"]["Amount"] | null;
            /** @description What is held for calls under way. */
            reserved: components["schemas"]["Amount"];
            /** @description What kind of thing it is about. */
            scopeType: components["schemas"]["ScopeType"];
            spent?: components["schemas"]["Amount"] | null;
        };
        /**
         * @description `POST /api/guard/check`: a call that is about to be made.
         * @example {
         *       "estimatedCost": "0.012",
         *       "learnerId": "learner-42",
         *       "model": "gpt-4o",
         *       "projectId": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718",
         *       "provider": "openai",
         *       "service": "chatbot"
         *     }
         */
        GuardCheckRequest: {
            environment?: components["schemas"]["Environment"] | null;
            estimatedCost?: components["schemas"]["Amount"] | null;
            /** @description The learner for whom the call is made, as its event will name them. */
            learnerId?: string | null;
            /** @description The model. No budget or block is about models: it decides nothing. */
            model?: string | null;
            /**
             * @description The project, by our id or its Project ID at OpenAI, as events name it. May be left out with an API key that is bound
             *     to one.
             */
            projectId?: string | null;
            /** @description The vendor of the model. It decides nothing either. */
            provider?: string | null;
            /**
             * @description Whether `estimatedCost` is to be held until the call has been reported: then no other caller can spend it, on no
             *     replica. False by default.
             */
            reserve?: boolean;
            /**
             * Format: int32
             * @description How long it is held at most, in minutes, 1 to 60; 10 by default.
             */
            reserveMinutes?: number | null;
            /** @description The service of the organization's own system that makes the call, as its event will name it. */
            service?: string | null;
        };
        /** @description What a refusal tells beside what every problem does. */
        GuardRefusal: {
            /**
             * Format: date-time
             * @description When the figures and blocks were read; left out where nothing is known.
             */
            asOf?: string | null;
            block?: components["schemas"]["GuardBlock"] | null;
            budget?: components["schemas"]["GuardBudget"] | null;
            /**
             * Format: date-time
             * @description With `budget_exceeded`: when that budget's period is over.
             */
            periodEndsAt?: string | null;
        };
        /** @description A thing that costs are grouped by, with the name it has or last had. */
        Named: {
            /** @description Whether it was deleted. */
            deleted?: boolean;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description Its name; a deleted one keeps its last. */
            name: string;
        };
        /**
         * @description Exact percentage, no exponent.
         * @example 74.2
         */
        Percent: string;
        /** @description The body of every error, `application/problem+json` (RFC 9457). */
        Problem: {
            /** @description The stable name. */
            code: string;
            /** @description What happened this time. */
            detail: string;
            /** @description The fields at fault, if any are. */
            errors?: components["schemas"]["FieldError"][];
            /** @description Find this request in the logs. */
            requestId: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description One sentence, the same for every problem of this code, in the language of `Accept-Language`. */
            title: string;
            /** @description `/problems/<code>`. */
            type: string;
        };
        /** @description An event of a batch that was not taken. */
        RejectedEvent: {
            /**
             * @description Why, as in problems.
             * @example quantity_invalid
             */
            code: string;
            /** @description Its place in the batch, from 0. */
            index: number;
            /** @description The same for people. */
            message: string;
            /**
             * @description JSON pointer into the request.
             * @example /events/3/promptTokens
             */
            pointer: string;
        };
        /**
         * @description What a budget is about.
         * @enum {string}
         */
        ScopeType: "organization" | "team" | "project" | "service" | "learner" | "environment";
        /**
         * @description Whether a figure may still change.
         * @enum {string}
         */
        Settlement: "settled" | "moving";
        /** @description The answer to a batch. */
        UsageBatchAnswer: {
            /** @description Events that are stored now. */
            accepted: number;
            /** @description Events that were stored before. */
            duplicates: number;
            /** @description Events that were not taken. */
            rejected: components["schemas"]["RejectedEvent"][];
        };
        /**
         * @description One AI call, as `POST /api/usage/track` takes it.
         *
         *     This is the form that is documented; the service also reads the snake_case spelling of every field, numbers as
         *     strings, a vendor's `usage` object as it is, and keeps fields it does not know in `metadata`.
         */
        UsageEventRequest: {
            /**
             * Format: int64
             * @description The input tokens that were audio.
             */
            audioInputTokens?: number | null;
            /**
             * Format: int64
             * @description The output tokens that were audio.
             */
            audioOutputTokens?: number | null;
            audioSeconds?: components["schemas"]["Amount"] | null;
            /**
             * Format: int64
             * @description The input tokens that came from a cache.
             */
            cachedTokens?: number | null;
            /**
             * Format: int64
             * @description The input tokens that were written to a cache.
             */
            cacheWriteTokens?: number | null;
            /**
             * Format: int64
             * @description Characters spoken or read.
             */
            characters?: number | null;
            /**
             * Format: int64
             * @description All output tokens: reasoning and audio included.
             */
            completionTokens?: number | null;
            cost?: components["schemas"]["Amount"] | null;
            /** @description Who is to bear it: department, team, purpose, client, campaign. */
            costAllocation?: {
                [key: string]: string;
            };
            environment?: components["schemas"]["Environment"] | null;
            /**
             * @description The caller's id of this call. Sent again it is stored once. Without one, `responseId` is taken; without either
             *     the service makes one, and a repetition cannot be told from another call.
             */
            eventId?: string | null;
            feedbackScore?: components["schemas"]["Amount"] | null;
            /**
             * Format: int64
             * @description Images made.
             */
            images?: number | null;
            /** @description What it was for. */
            intent?: string | null;
            /** @description The end user or end customer; `endUserId` is the same. */
            learnerId?: string | null;
            /** @description Whatever else. */
            metadata?: Record<string, never> | null;
            /** @description The model, as the caller or the vendor names it. */
            model: string;
            /** @description What came of it. */
            outcome?: string | null;
            /** @description The project, by our id or by its Project ID at OpenAI. A key that is bound to a project needs none. */
            projectId?: string | null;
            /**
             * Format: int64
             * @description All input tokens: cached ones, cache writes and audio included.
             */
            promptTokens?: number | null;
            /** @description The AI vendor; worked out from the model where it is not said. */
            provider?: string | null;
            /**
             * Format: int64
             * @description The output tokens that the model thought with.
             */
            reasoningTokens?: number | null;
            /** @description The provider's region. */
            region?: string | null;
            /** @description The provider's id of its answer, such as `chatcmpl-…`. */
            responseId?: string | null;
            /**
             * Format: int32
             * @description How long it took, in milliseconds.
             */
            responseTime?: number | null;
            /**
             * Format: int64
             * @description Searches made for the answer.
             */
            searches?: number | null;
            /** @description The caller's own service or feature. */
            service?: string | null;
            /** @description The provider's tier: `standard`, `batch`, `flex`, `priority`. */
            serviceTier?: string | null;
            /** @description The conversation. */
            sessionId?: string | null;
            /** @description `success`, `error`, …, or an HTTP status. */
            status?: string | null;
            /** @description Free words. */
            tags?: string[];
            /** @description What kind of task it was. */
            taskType?: string | null;
            /**
             * Format: date-time
             * @description When the call was made; now by default. At most 5 minutes ahead and 30 days back.
             */
            timestamp?: string | null;
            /**
             * Format: int64
             * @description All tokens. Alone it says how many, but not what they cost.
             */
            totalTokens?: number | null;
            /** @description A vendor's `usage` object as it is in the vendor's answer, instead of the counts above. */
            usage?: Record<string, never> | null;
            /** @description The caller's user. */
            userId?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
