// From no key to the first event, on one page.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { freeze, PROJECTS } from "./costs.mjs";
import { event, tail, usage } from "./events.mjs";
import { json, ME, problem, signIn } from "./mock.mjs";

const [CHATBOT] = PROJECTS;
const SECRET = "fin_0123456789abcdefghijklmnopqrstuvwxyzABCD";
const KEY = "01936f00-0000-7000-8000-0000000000aa";

const created = (body) => ({
  id: KEY, masked: "fin_…ABCD", last4: "ABCD", projectId: null, projectName: null, environment: null, quotaPerMinute: null, state: "active",
  createdBy: { id: ME.id, name: ME.name }, createdAt: "2026-11-23T03:10:00Z", expiresAt: null, rotatedAt: null, overlapUntil: null, lastUsedAt: null,
  ...body, key: SECRET,
});

async function open(page, { path = "/integration", over = {}, user = ME } = {}) {
  await freeze(page);
  const made = [];
  const stream = await tail(page);
  await signIn(page, {
    ...usage().answers,
    "POST /auth/refresh": { accessToken: "mock", tokenType: "Bearer", expiresIn: 900, user },
    "POST /api-keys": (request) => {
      made.push(request.postDataJSON());
      return json(created(request.postDataJSON()), 201);
    },
    ...over,
  });
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  return { made, stream };
}

const code = (page) => page.getByRole("group", { name: "코드", exact: true });
const snippets = (page) => page.getByRole("tablist", { name: "2. 코드 붙여 넣기" });

test("a key is made, shown this once, and filled into every snippet", async ({ page, baseURL }) => {
  const { made } = await open(page);
  await expect(code(page)).toContainText("Bearer YOUR_API_KEY");
  await expect(code(page)).not.toContainText("projectId");
  await page.getByLabel("프로젝트").selectOption({ label: `${CHATBOT.name} · ${CHATBOT.teamName}` });
  await expect(code(page)).toContainText(`"projectId": "${CHATBOT.id}"`);
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.locator(".secret")).toContainText(SECRET);
  await expect(page.getByText("이 값은 지금만 볼 수 있어요.")).toBeVisible();
  expect(made).toEqual([{ name: "연동 가이드", scopes: ["ingest", "guard"], projectId: CHATBOT.id }]);
  for (const [tab, parts] of [
    ["curl", [`curl -sS ${baseURL}/api/usage/track`, `authorization: Bearer ${SECRET}`]],
    ["Python", [`Finops(api_key="${SECRET}", base_url="${baseURL}", project_id="${CHATBOT.id}")`]],
    ["TypeScript", [`apiKey: "${SECRET}"`, `baseUrl: "${baseURL}"`]],
    ["OpenTelemetry", [`endpoint="${baseURL}/otlp/v1/traces"`, `"x-api-key": "${SECRET}"`, `"finops.project_id": "${CHATBOT.id}"`]],
  ]) {
    await snippets(page).getByRole("tab", { name: tab }).click();
    for (const part of parts) await expect(code(page)).toContainText(part);
  }
  await expect(page).toHaveURL("/integration?lang=opentelemetry");
  // The key is bound to the project: another one needs another key.
  await page.getByLabel("프로젝트").selectOption({ label: "조직 전체 (프로젝트 미지정)" });
  await expect(page.locator(".secret")).toHaveCount(0);
  await expect(code(page)).not.toContainText(SECRET);
});

test("asking before a call is filled in too, with the project that it is about", async ({ page, baseURL }) => {
  await open(page);
  const card = page.getByRole("region", { name: "호출 전에 확인하기" });
  const check = card.getByRole("group", { name: "확인 코드" });
  await expect(check).toContainText('"projectId": "YOUR_PROJECT_ID"');
  await expect(card).toContainText("위에서 프로젝트를 고르면 YOUR_PROJECT_ID 자리에 채워져요.");
  await page.getByLabel("프로젝트").selectOption({ label: `${CHATBOT.name} · ${CHATBOT.teamName}` });
  await page.getByRole("button", { name: "키 만들기" }).click();
  for (const [tab, parts] of [
    ["curl", [`ask ${baseURL}/api/guard/check`, `authorization: Bearer ${SECRET}`, `"projectId": "${CHATBOT.id}"`, `${baseURL}/api/guard/reservations/$held/settle`]],
    ["Python", [`Finops(api_key="${SECRET}", base_url="${baseURL}", project_id="${CHATBOT.id}")`, "finops.check(call", "finops.settle(held)", "finops.release(held)"]],
    ["TypeScript", [`apiKey: "${SECRET}"`, `projectId: "${CHATBOT.id}"`, "await finops.check(", "await finops.settle(held)", "await finops.release(held)"]],
  ]) {
    await card.getByRole("tab", { name: tab }).click();
    for (const part of parts) await expect(check).toContainText(part);
  }
  await expect(card).not.toContainText("YOUR_");
  // The other card's language is its own.
  await expect(code(page)).toContainText("curl -sS");
});

test("Prometheus is told where, and asks for another key than the one that reports", async ({ page, baseURL }) => {
  await open(page);
  const card = page.getByRole("region", { name: "Prometheus로 보기" });
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.locator(".secret")).toBeVisible();
  await expect(card.getByRole("group", { name: "prometheus.yml" })).toContainText(`- targets: ["${new URL(baseURL).host}"]`);
  await expect(card).toContainText("credentials: YOUR_READ_KEY");
  await expect(card).not.toContainText(SECRET);
  await expect(card.getByRole("link", { name: "읽기 키 만들기" })).toHaveAttribute("href", "/settings?tab=keys&new=api-key");
});

test("what is copied is what is shown", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page);
  const shown = await code(page).innerText();
  await page.getByRole("tabpanel").first().getByRole("button", { name: "복사" }).click();
  await expect(page.getByText("복사했어요").first()).toBeAttached();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(shown);
});

test("the first event turns it green, with its cost and the way to it", async ({ page }) => {
  const { stream } = await open(page);
  await expect(page.getByText("첫 이벤트를 기다리고 있어요")).toBeVisible();
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.getByText("방금 만든 키로 보낸 이벤트를 기다려요.")).toBeVisible();
  // With the key that was made: what others report is not the reader's first event.
  await expect.poll(async () => (await stream.opened()).map(({ url, open }) => [url.split("?")[1] ?? "", open])).toEqual([["", false], [`apiKeyId=${KEY}`, true]]);
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  await stream.send(event(0, { cost: "0.000390", apiKeyId: KEY }));
  await expect(page.getByText("첫 이벤트를 받았어요")).toBeVisible();
  await expect(page.getByText("$0.000390")).toBeVisible();
  await stream.send(event(1, { cost: null, state: "unpriced" }));
  await expect(page.getByText("이벤트 2개를 받았어요")).toBeVisible();
  await expect(page.getByText("가격 없음")).toBeVisible();
  await page.getByRole("link", { name: "이벤트 보기" }).click();
  await expect(page).toHaveURL("/events?event=evt-1&live=on");
  await expect(page.getByRole("dialog")).toBeVisible();
});

test("who manages nothing chooses among their projects", async ({ page }) => {
  const { made } = await open(page, { user: { ...ME, role: "user" } });
  await expect(page.getByLabel("프로젝트").getByRole("option", { name: "조직 전체" })).toHaveCount(0);
  await expect(code(page)).toContainText(CHATBOT.id);
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.locator(".secret")).toBeVisible();
  expect(made[0].projectId).toBe(CHATBOT.id);
  // Whose figures are the whole organization's.
  await expect(page.getByRole("region", { name: "Prometheus로 보기" })).toHaveCount(0);
});

test("a refusal is told, and nothing is filled in", async ({ page }) => {
  await open(page, { over: { "POST /api-keys": () => problem(403, "forbidden") } });
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.locator("form .banner")).toBeVisible();
  await expect(code(page)).toContainText("YOUR_API_KEY");
});

test("a narrow screen scrolls the code and not the page", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await open(page, { path: "/integration?lang=opentelemetry" });
  await expect(code(page)).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
});

for (const colorScheme of ["light", "dark"]) {
  test(`the guide is accessible in ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    const { stream } = await open(page);
    const violations = async () => (await new AxeBuilder({ page }).analyze()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)]);
    await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
    expect(await violations()).toEqual([]);
    await page.getByRole("button", { name: "키 만들기" }).click();
    await expect(page.locator(".secret")).toBeVisible();
    await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
    await stream.send(event(0));
    await expect(page.getByText("첫 이벤트를 받았어요")).toBeVisible();
    expect(await violations()).toEqual([]);
  });
}

test("not a word is left in Korean", async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
  await open(page, { over: { "GET /projects": { data: [], nextCursor: null } } });
  await expect(page.getByRole("tab", { name: "Python" }).first()).toBeVisible();
  expect(await page.locator("main").innerText()).not.toMatch(/[가-힣]/);
});
