// Keys in the settings: ours, and one's own at providers.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { CHATBOT, enter } from "./admin.mock.mjs";
import { ME, problem } from "./mock.mjs";
import { fixNow, priced } from "./prices.mock.mjs";

const KEYS = "/settings?tab=keys";
const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);

// What the browser complained of; a refused request alone is no complaint.
let complaints;
test.beforeEach(async ({ page }) => {
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && complaints.push(message.text()));
  await fixNow(page, "2026-11-24T09:00:00Z");
});
test.afterEach(() => expect(complaints).toEqual([]));

test("a key is made, shown once, and copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const asked = await enter(page, priced());
  await page.goto(KEYS);
  await page.getByRole("button", { name: "API 키 만들기" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("checkbox", { name: /이벤트 보내기/ }).uncheck();
  await dialog.getByLabel("분당 요청 한도").fill("0");
  await dialog.getByLabel("마지막 날").fill("2026-11-23");
  await dialog.getByRole("button", { name: "키 만들기", exact: true }).click();
  await expect(dialog.getByLabel("이름")).toBeFocused();
  await expect(dialog.getByText("입력해 주세요.")).toHaveCount(2);
  await expect(dialog.getByText("쓸 수 있는 범위를 벗어났어요.")).toHaveCount(2);
  expect(asked.some(({ line }) => line === "POST /api-keys")).toBe(false);

  await dialog.getByLabel("이름").fill("검색 서버");
  await dialog.getByRole("checkbox", { name: /이벤트 보내기/ }).check();
  await dialog.getByRole("checkbox", { name: /호출 허용 확인/ }).check();
  await dialog.getByLabel("프로젝트", { exact: true }).selectOption("chatbot-experiment");
  await dialog.getByLabel("환경").selectOption("staging");
  await dialog.getByLabel("분당 요청 한도").fill("1,000");
  await dialog.getByLabel("마지막 날").fill("2026-12-31");
  await dialog.getByRole("button", { name: "키 만들기", exact: true }).click();
  await expect(dialog.getByText("이 키는 지금만 볼 수 있어요.")).toBeVisible();
  expect(asked.find(({ line }) => line === "POST /api-keys").body).toEqual({
    name: "검색 서버", scopes: ["ingest", "guard"], projectId: CHATBOT, environment: "staging", quotaPerMinute: 1000,
    // The last moment of the day in Seoul.
    expiresAt: "2026-12-31T15:00:00Z",
  });
  await dialog.getByRole("button", { name: "복사", exact: true }).click();
  await expect(dialog.getByRole("button", { name: "복사했어요" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("fin_the-text-of-the-key-z9Y8");
  await dialog.getByRole("button", { name: "보관했어요" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("listitem").filter({ hasText: "검색 서버" })).toContainText("fin_…z9Y8");
  expect(await page.content()).not.toContain("fin_the-text-of-the-key");
});

test("keys are told with what they may do, where, and until when", async ({ page }) => {
  await enter(page, priced());
  await page.goto(KEYS);
  const key = page.getByRole("listitem").filter({ hasText: "fin_…a1B2" });
  for (const text of ["챗봇 운영 서버", "사용 중", "이벤트 보내기", "chatbot-experiment", "운영", "1분에 1,000번", "1시간 전", "만료 없음"]) {
    await expect(key).toContainText(text);
  }
  const expired = page.getByRole("listitem").filter({ hasText: "fin_…9fQ2" });
  for (const text of ["만료됨", "조직 전체", "아직 없음", "박서준", "2026. 11. 1. 09:00"]) await expect(expired).toContainText(text);
  await expect(expired.getByRole("button", { name: /교체/ })).toHaveCount(0);
});

test("a key gets another text while the old one still works", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto(KEYS);
  await page.getByRole("button", { name: "챗봇 운영 서버 키 교체" }).click();
  const dialog = page.getByRole("dialog", { name: "챗봇 운영 서버 키 교체" });
  await dialog.getByLabel("이전 값을 함께 쓸 시간").selectOption("3일");
  await dialog.getByRole("button", { name: "새 값 발급" }).click();
  await expect(dialog.getByText("fin_another-text-n3W4")).toBeVisible();
  await expect(dialog.getByText("이 키는 지금만 볼 수 있어요.")).toBeVisible();
  expect(asked.find(({ line }) => line.endsWith("/rotate")).body).toEqual({ overlapHours: 72 });
  await dialog.getByRole("button", { name: "보관했어요" }).click();
  const key = page.getByRole("listitem").filter({ hasText: "fin_…n3W4" });
  await expect(key).toContainText("이전 키 사용 기한");
  await expect(key).toContainText("2026. 11. 27. 18:00");
});

test("a key is revoked after its consequences", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto(KEYS);
  await page.getByRole("button", { name: "챗봇 운영 서버 키 폐기" }).click();
  const confirm = page.getByRole("alertdialog");
  await expect(confirm).toContainText("1초 안에 모든 곳에서 이 키가 멈춰요.");
  await expect(confirm.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await confirm.getByRole("button", { name: "키 폐기" }).click();
  await expect(toast(page, "챗봇 운영 서버 키를 폐기했어요.")).toBeVisible();
  await expect(page.getByText("fin_…a1B2")).toHaveCount(0);
  expect(asked.filter(({ line }) => line.startsWith("DELETE /api-keys/"))).toHaveLength(1);
});

test("who sees a part of the organization binds a key to a project", async ({ page }) => {
  const asked = await enter(page, priced(), {}, { ...ME, role: "user" });
  await page.goto(KEYS);
  await page.getByRole("button", { name: "API 키 만들기" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("프로젝트", { exact: true }).getByRole("option").first()).toHaveText("골라 주세요");
  await dialog.getByLabel("이름").fill("내 노트북");
  await dialog.getByRole("button", { name: "키 만들기", exact: true }).click();
  await expect(dialog.getByLabel("프로젝트", { exact: true })).toBeFocused();
  expect(asked.some(({ line }) => line === "POST /api-keys")).toBe(false);
});

test("no key yet offers the first", async ({ page }) => {
  const setup = priced();
  setup.world.apiKeys = [];
  setup.world.providerKeys = [];
  await enter(page, setup);
  await page.goto(KEYS);
  await expect(page.getByText("아직 API 키가 없어요")).toBeVisible();
  await expect(page.getByText("등록하지 않았어요")).toHaveCount(4);
});

test("one's own keys at providers are stored, replaced and removed", async ({ page }) => {
  let refusals = 1;
  const setup = priced();
  const asked = await enter(page, setup, {
    "POST /user/api-keys": (request) =>
      refusals-- > 0 ? problem(422, "provider_key_invalid") : setup.answers.find(([p]) => p === "POST /user/api-keys")[1](request),
  });
  await page.goto(KEYS);
  const row = (name) => page.getByRole("region", { name: "내 공급자 키" }).getByRole("listitem").filter({ hasText: name });
  await expect(row("OpenAI")).toContainText("sk-proj-…abc1");
  await row("Anthropic").getByRole("button", { name: "등록" }).click();
  const dialog = page.getByRole("dialog", { name: "Anthropic 키" });
  const key = dialog.getByLabel("키", { exact: true });
  await key.fill("sk-ant-api03-wrong");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(dialog.getByText("이 공급자의 키 형식이 아니에요.")).toHaveCount(1);
  await expect(key).toBeFocused();
  await key.fill("sk-ant-api03-right-wxyz");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "Anthropic 키를 저장했어요 (…wxyz)")).toBeVisible();
  await expect(row("Anthropic")).toContainText("sk-ant-…wxyz");
  expect(await page.content()).not.toContain("sk-ant-api03-right");
  expect(asked.filter(({ line }) => line === "POST /user/api-keys").at(-1).body).toEqual({ service: "anthropic", key: "sk-ant-api03-right-wxyz" });

  await row("OpenAI").getByRole("button", { name: "OpenAI 키 교체" }).click();
  await expect(page.getByRole("dialog", { name: "OpenAI 키" })).toBeVisible();
  await page.keyboard.press("Escape");
  await row("OpenAI").getByRole("button", { name: "OpenAI 키 삭제" }).click();
  const confirm = page.getByRole("alertdialog", { name: "OpenAI 키(sk-proj-…abc1)를 삭제할까요?" });
  await confirm.getByRole("button", { name: "키 삭제" }).click();
  await expect(row("OpenAI")).toContainText("등록하지 않았어요");
  expect(asked.some(({ line }) => line === "DELETE /user/api-keys/openai")).toBe(true);
});

for (const path of [KEYS, `${KEYS}&new=api-key`]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const setup = priced();
      setup.world.apiKeys[1].state = "stopped";
      await enter(page, setup);
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expect(page.locator(".skeleton")).toHaveCount(0);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = priced();
    const ascii = (value) => JSON.parse(JSON.stringify(value).replace(/[가-힣]+/g, "x"));
    for (const name of Object.keys(english.world)) english.world[name] = ascii(english.world[name]);
    await enter(page, english, {}, { ...ascii(ME), locale: "en" });
    await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator(".skeleton")).toHaveCount(0);
    const text = (await page.locator("body").innerText()).replaceAll("한국어", "");
    expect(text.match(/[^\n]*[가-힣]+[^\n]*/g) ?? []).toEqual([]);
  });
}
