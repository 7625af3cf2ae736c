import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { enter } from "./admin.mock.mjs";
import { ME, problem } from "./mock.mjs";
import { APPLIED, CHANGE, finished, fixNow, GPT, priced, RUN } from "./prices.mock.mjs";

const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);
const settled = async (page) => {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
};

// What the browser complained of; a refused request alone is no complaint.
let complaints;
test.beforeEach(async ({ page }) => {
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && complaints.push(message.text()));
  await fixNow(page, "2026-11-24T09:00:00Z");
});
test.afterEach(() => expect(complaints).toEqual([]));

test("prices are told by the million, and apiece where that is the unit", async ({ page }) => {
  await enter(page, priced());
  await page.goto("/pricebook");
  const row = (model) => page.getByRole("row").filter({ has: page.getByRole("link", { name: model, exact: true }) });
  await expect(row("gpt-5.4").getByRole("cell")).toHaveText(["gpt-5.4", "OpenAI", "$2.50", "$0.25", "$15.00", "검색 $0.01", "2026. 3. 5.", "2026. 11. 24."]);
  await expect(row("text-embedding-3-large")).toContainText("$0.13");
  await expect(row("tts-1")).toContainText("글자 $15.00");
  await expect(row("imagen-4")).toContainText("이미지 $0.04");
  await expect(row("claude-opus-4-6")).toContainText("캐시 쓰기(5분) $6.25 +1");
  await expect(row("amazon.nova-pro-v1:0")).toContainText("us-east-1");
});

test("the list is searched and narrowed by the URL", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto("/pricebook");
  await expect(page.getByRole("link", { name: "imagen-4" })).toBeVisible();
  // Timers that ring when the test says so.
  await page.evaluate(() => {
    const timers = new Map();
    window.setTimeout = (run) => timers.set(timers.size + 1, run).size;
    window.clearTimeout = (id) => timers.set(id, () => {});
    window.ring = () => timers.forEach((run) => run());
  });
  await page.getByLabel("모델", { exact: true }).pressSequentially("gpt");
  await expect(page).toHaveURL("/pricebook");
  await page.evaluate(() => window.ring());
  await expect(page).toHaveURL("/pricebook?model=gpt");
  // One request for the word, not one a letter.
  await expect(page.getByRole("link", { name: "imagen-4" })).toHaveCount(0);
  expect(asked.filter(({ line, query }) => line === "GET /prices" && query.includes("model=")).map(({ query }) => query)).toEqual(["model=gpt"]);
  await page.getByLabel("시점").selectOption("all");
  await expect(page.getByRole("link", { name: "gpt-5.4", exact: true })).toHaveCount(2);
  await expect(page.getByText("지난 가격", { exact: true })).toBeVisible();
  await page.getByLabel("공급자").selectOption("anthropic");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  await page.getByRole("button", { name: "필터 지우기" }).first().click();
  await expect(page).toHaveURL("/pricebook");
  await expect(page.getByLabel("모델", { exact: true })).toHaveValue("");
  await page.goto("/pricebook?provider=mistral");
  await expect(page.getByLabel("공급자")).toHaveValue("mistral");
});

test("an entry opens with its tiers, steps, origin, and what the organization pays", async ({ page }) => {
  await enter(page, priced());
  await page.goto("/pricebook?provider=openai");
  const link = page.getByRole("link", { name: "gpt-5.4", exact: true });
  await link.click();
  await expect(page).toHaveURL(`/pricebook?provider=openai&entry=${GPT.id}`);
  const dialog = page.getByRole("dialog", { name: "gpt-5.4" });
  const table = (name) => dialog.locator("section").filter({ has: page.getByRole("heading", { name, exact: true }) });
  await expect(table("짧은 호출").getByRole("columnheader")).toHaveText(["단위", "표준", "배치"]);
  await expect(table("짧은 호출").getByRole("row").nth(1)).toContainText("입력100만 토큰당$2.50$1.25");
  await expect(table("입력 272,000토큰 초과").getByRole("row").nth(2)).toContainText("$22.50–");
  await expect(table("협의 가격")).toContainText("$2.00");
  await expect(table("가격 변화").getByRole("listitem")).toHaveText([/2026. 3. 5. –.*\$2.50/, /2026. 1. 1. – 2026. 3. 5..*\$3.00/]);
  await expect(dialog.getByRole("link", { name: "developers.openai.com" })).toHaveAttribute("rel", "noopener noreferrer");
  await expect(dialog).toContainText("× 1.1");
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL("/pricebook?provider=openai");
  await expect(link).toBeFocused();
  // The address alone opens it, too.
  await page.goto(`/pricebook?entry=${GPT.id}`);
  await expect(dialog).toBeVisible();
});

test("a model without a price gets one from the day that it was seen", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto("/pricebook");
  await expect(page.getByRole("heading", { name: "가격을 모르는 모델 3개" })).toBeVisible();
  const row = page.getByRole("row").filter({ hasText: "gpt-6-preview" });
  await expect(row).toContainText("12,840");
  await expect(row).toContainText("가격표에 없는 모델이에요.");
  await row.getByRole("button", { name: "가격 추가" }).click();
  const dialog = page.getByRole("dialog", { name: "가격 추가" });
  await expect(dialog.getByLabel("모델")).toHaveValue("gpt-6-preview");
  await expect(dialog.getByLabel("시작일")).toHaveValue("2026-11-20");
  await expect(dialog.getByText("지난 날짜부터 적용하면")).toBeVisible();
  await dialog.getByRole("button", { name: "추가하고 다시 계산하기" }).click();
  await expect(dialog.getByLabel("단가")).toBeFocused();
  await expect(dialog.getByText("입력해 주세요.")).toBeVisible();
  await dialog.getByLabel("단가").fill("3.75");
  await dialog.getByRole("button", { name: "추가하고 다시 계산하기" }).click();
  await expect(toast(page, "지난 이벤트를 다시 계산하고 있어요.")).toBeVisible();
  expect(asked.find(({ line }) => line === "POST /prices/overrides").body).toEqual({
    provider: "openai", model: "gpt-6-preview", kind: "input", tier: "standard", unitPrice: "0.00000375",
    effectiveFrom: "2026-11-19T15:00:00Z", reprice: true,
  });
  await expect(page).toHaveURL("/pricebook?tab=own");
  await expect(page.getByRole("row").filter({ hasText: "gpt-6-preview" }).filter({ hasText: "$3.75" })).toBeVisible();
  await page.getByRole("tab", { name: "공개 가격" }).click();
  await expect(page.getByRole("heading", { name: "가격을 모르는 모델 2개" })).toBeVisible();
});

test("a provider that is none of the usual comes along, and a discount needs no model", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto("/pricebook");
  await page.getByRole("row").filter({ hasText: "mistral-large-3" }).getByRole("button", { name: "가격 추가" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("공급자 이름")).toHaveValue("mistral");
  await dialog.getByRole("radio", { name: "할인" }).click();
  await dialog.getByLabel("모델").fill("");
  await dialog.getByLabel("할인율(%)").fill("0");
  await dialog.getByLabel("시작일").fill("");
  await dialog.getByRole("button", { name: "추가하기", exact: true }).click();
  await expect(dialog.getByText("쓸 수 있는 범위를 벗어났어요.")).toBeVisible();
  await dialog.getByLabel("할인율(%)").fill("12.5");
  await dialog.getByRole("button", { name: "추가하기", exact: true }).click();
  await expect(toast(page, "협의 가격을 추가했어요.")).toBeVisible();
  expect(asked.find(({ line }) => line === "POST /prices/overrides").body).toEqual({ provider: "mistral", discountPercent: "12.500000" });
  await expect(page.getByText("mistral 전체", { exact: true })).toBeVisible();
});

test("what the service refuses is said in the form", async ({ page }) => {
  await enter(page, priced(), { "POST /prices/overrides": () => problem(409, "price_override_overlaps") });
  await page.goto("/pricebook?new=price");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("공급자").selectOption("openai");
  await dialog.getByLabel("모델").fill("gpt-5.4");
  await dialog.getByLabel("단가").fill("2");
  await dialog.getByRole("button", { name: "추가하기", exact: true }).click();
  await expect(dialog.getByText("그 기간에 이미 적용 중인 협의 단가가 있어요.")).toBeVisible();
  await expect(dialog.getByLabel("단가")).toHaveValue("2");
});

test("what was negotiated is told with its terms, and ends after its consequences", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto("/pricebook?tab=own");
  const row = page.getByRole("row").filter({ hasText: "2026년 기업 계약" });
  await expect(row).toContainText("입력 · 표준 · $2.00 (100만 토큰당)");
  await expect(row).toContainText("적용 중");
  await expect(page.getByRole("row").filter({ hasText: "12.5% 할인" })).toContainText("예정");
  await expect(page.getByRole("row").filter({ hasText: "prod-chat" }).getByRole("button")).toHaveCount(0);
  await row.getByRole("button", { name: "OpenAI · gpt-5.4 적용 끝내기" }).click();
  const confirm = page.getByRole("alertdialog");
  await expect(confirm).toContainText("이미 계산한 비용은 바뀌지 않아요.");
  await confirm.getByRole("button", { name: "적용 끝내기" }).click();
  await expect(toast(page, "OpenAI · gpt-5.4 협의 가격을 끝냈어요.")).toBeVisible();
  await expect(row).toContainText("끝남");
  expect(asked.filter(({ line }) => line.startsWith("DELETE /prices/overrides/"))).toHaveLength(1);
});

test("past events are priced anew after a look at the difference", async ({ page }) => {
  const setup = priced();
  const asked = await enter(page, setup);
  await page.goto("/pricebook");
  // The book has a price by now: what helps is pricing anew, for the days on which events came.
  await page.getByRole("row").filter({ hasText: "가격표에 있어요." }).getByRole("button", { name: "재계산" }).click();
  await expect(page.getByLabel("시작일")).toHaveValue("2026-11-22");
  await expect(page.getByLabel("종료일")).toHaveValue("2026-11-22");
  await expect(page.getByRole("textbox", { name: "모델" })).toHaveValue("tts-1");
  await page.getByLabel("시작일").fill("2026-11-23");
  await page.getByRole("button", { name: "차이 확인하기" }).click();
  await expect(page.getByText("쓸 수 있는 범위를 벗어났어요.")).toBeVisible();
  await page.getByLabel("시작일").fill("2026-11-20");
  await page.getByRole("button", { name: "차이 확인하기" }).click();
  await expect(page).toHaveURL(new RegExp(`run=${RUN}`));
  expect(asked.find(({ line }) => line === "POST /prices/reprice").body).toEqual({
    from: "2026-11-19T15:00:00Z", to: "2026-11-22T15:00:00Z", provider: "openai", model: "tts-1", apply: false,
  });
  const report = page.getByRole("region", { name: "재계산 결과" });
  await expect(report.getByText("이벤트 1,000건을 살펴봤어요.")).toBeVisible();
  await expect(report.getByRole("button", { name: "재계산 적용" })).toHaveCount(0);

  setup.world.runs[0] = finished(setup.world.runs[0]);
  await expect(report.getByText("확인만 함")).toBeVisible();
  await expect(report.getByText("+$117.62")).toBeVisible();
  await expect(report.getByText("12,852 → 0")).toBeVisible();
  const row = report.getByRole("row").filter({ hasText: "gpt-6-preview" });
  await expect(row.getByRole("cell")).toHaveText(["gpt-6-preview OpenAI", "chatbot-experiment", "12,840", "가격 없음", "$120.00 USD", "+$120.00 USD", "12,840 → 0"]);
  await expect(report.getByRole("row").filter({ hasText: "프로젝트 미지정" })).toContainText("−$2.38");

  await report.getByRole("button", { name: "재계산 적용" }).click();
  const confirm = page.getByRole("alertdialog");
  await expect(confirm).toContainText("이벤트 12,852건의 비용이 바뀌어요.");
  await expect(confirm).toContainText("합계가 $412.50 USD에서 $530.12 USD로 바뀌어요.");
  await expect(confirm.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await confirm.getByRole("button", { name: "재계산 적용" }).click();
  await expect(page).toHaveURL(new RegExp(`run=${APPLIED}`));
  expect(asked.filter(({ line }) => line === "POST /prices/reprice").map(({ body }) => body.apply)).toEqual([false, true]);
  setup.world.unpriced = [];
  setup.world.runs[0] = finished(setup.world.runs[0]);
  await expect(report.getByText("새 가격으로 다시 계산했어요.")).toBeVisible();
  await expect(report.getByRole("button", { name: "재계산 적용" })).toHaveCount(0);
  // Done is done everywhere on the page.
  await page.getByRole("tab", { name: "공개 가격" }).click();
  await expect(page.getByRole("link", { name: "gpt-5.4", exact: true })).toBeVisible();
  await expect(page.getByText(/가격을 모르는 모델/)).toHaveCount(0);
});

test("a run that stopped, and one that is not there, say so", async ({ page }) => {
  const setup = priced();
  setup.world.runs.unshift({ ...setup.world.runs[0], id: RUN, state: "failed" });
  await enter(page, setup);
  await page.goto(`/pricebook?tab=reprice&run=${RUN}`);
  await expect(page.getByText("중간에 멈췄어요.")).toBeVisible();
  await page.getByRole("link", { name: "2026. 11. 24. 18:00" }).last().click();
  await expect(page.getByText("새 가격으로 다시 계산했어요.")).toBeVisible();
  await page.goto("/pricebook?tab=reprice&run=01936f00-0000-7000-8000-00000000dead");
  await expect(page.getByText("찾을 수 없어요")).toBeVisible();
});

test("an administrator of the platform decides about strange changes", async ({ page }) => {
  const asked = await enter(page, priced());
  await page.goto("/pricebook");
  const card = page.getByRole("region", { name: "확인을 기다리는 가격 변경 1개" });
  await expect(card.getByText("10배 넘게 달라짐")).toBeVisible();
  await expect(card.getByRole("row").nth(1)).toContainText("입력 · 표준 (100만 토큰당)$0.75$75.00");
  await expect(card.getByRole("row").nth(2)).toContainText("$4.50없음");
  await card.getByRole("button", { name: "받아들이기" }).click();
  const confirm = page.getByRole("alertdialog");
  await expect(confirm).toContainText("모든 조직의 이벤트에 새 가격을 적용해요.");
  await confirm.getByRole("button", { name: "받아들이기" }).click();
  await expect(toast(page, "gpt-5.4-mini 새 가격을 적용했어요.")).toBeVisible();
  await expect(card).toHaveCount(0);
  expect(asked.some(({ line }) => line === `POST /prices/changes/${CHANGE.id}/confirm`)).toBe(true);
});

test("a change that somebody else has decided says so", async ({ page }) => {
  await enter(page, priced(), { "POST /prices/changes/:change/dismiss": () => problem(409, "price_change_decided") });
  await page.goto("/pricebook");
  await page.getByRole("button", { name: "무시하기" }).click();
  const confirm = page.getByRole("alertdialog");
  await confirm.getByRole("button", { name: "무시하기" }).click();
  await expect(confirm.getByText("이미 처리한 단가 변경이에요.")).toBeVisible();
});

test("versions tell what changed and the list that said so", async ({ page }) => {
  await enter(page, priced());
  await page.goto("/pricebook?tab=versions");
  const rows = page.getByRole("row").filter({ hasText: "버전" });
  await expect(page.getByRole("row").filter({ hasText: "버전 4" })).toContainText("최신");
  await expect(page.getByRole("row").filter({ hasText: "버전 1" })).toContainText("shipped: 2026-11-01");
  expect(await rows.count()).toBeGreaterThan(2);
});

test("who only reads sees the prices and is offered no change", async ({ page }) => {
  const asked = await enter(page, priced(), {}, { ...ME, role: "user" });
  await page.goto("/pricebook");
  await expect(page.getByText("가격을 모르는 모델 3개")).toBeVisible();
  await expect(page.getByText("가격은 조직 관리자가 추가할 수 있어요.")).toBeVisible();
  for (const name of [/가격 추가/, /재계산/, /받아들이기/]) await expect(page.getByRole("button", { name })).toHaveCount(0);
  await expect(page.getByRole("tab", { name: "재계산" })).toHaveCount(0);
  await page.getByRole("tab", { name: "협의 가격" }).click();
  await expect(page.getByText("2026년 기업 계약")).toBeVisible();
  await expect(page.getByRole("button", { name: /적용 끝내기/ })).toHaveCount(0);
  expect(asked.filter(({ line }) => /changes|reprice/.test(line))).toEqual([]);
});

test("a tenant's administrator is not asked about the public prices", async ({ page }) => {
  const asked = await enter(page, priced(), {}, { ...ME, role: "tenant_admin" });
  await page.goto("/pricebook?tab=reprice");
  await expect(page.getByRole("button", { name: "차이 확인하기" })).toBeVisible();
  await expect(page.getByText("지난 재계산")).toBeVisible();
  expect(asked.filter(({ line }) => line.includes("/prices/changes"))).toEqual([]);
});

test("a part that fails is told where it is, and nothing unknown passes for nothing", async ({ page }) => {
  let failing = true;
  const setup = priced();
  const answer = (path) => (request) => (failing ? problem(500, "internal") : setup.answers.find(([p]) => p === path)[1](request));
  await enter(page, setup, { "GET /prices": answer("GET /prices"), "GET /prices/unpriced": answer("GET /prices/unpriced") });
  await page.goto("/pricebook");
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  await expect(page.getByText("가격을 모르는 모델이 있는지 확인하지 못했어요.")).toBeVisible();
  failing = false;
  await page.locator(".banner").getByRole("button", { name: "다시 시도하기" }).click();
  await page.getByRole("alert").getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByText("가격을 모르는 모델 3개")).toBeVisible();
  await expect(page.getByRole("link", { name: "gpt-5.4", exact: true })).toBeVisible();
});

test("an empty book and an organization without agreements say what comes next", async ({ page }) => {
  const setup = priced();
  Object.assign(setup.world, { book: [], own: [], unpriced: [], changes: [], runs: [] });
  await enter(page, setup);
  await page.goto("/pricebook");
  await expect(page.getByText("finops prices import")).toBeVisible();
  await expect(page.getByText(/가격을 모르는/)).toHaveCount(0);
  await page.getByRole("tab", { name: "협의 가격" }).click();
  await expect(page.getByText("협의 가격이 없어요")).toBeVisible();
  await page.getByRole("tab", { name: "재계산" }).click();
  await expect(page.getByText("아직 재계산한 적이 없어요")).toBeVisible();
});

const PAGES = {
  "/pricebook": "the book",
  [`/pricebook?entry=${GPT.id}`]: "an entry",
  "/pricebook?tab=own": "negotiated",
  "/pricebook?tab=own&new=price": "adding a price",
  "/pricebook?tab=versions": "versions",
  "/pricebook?tab=reprice": "repricing",
  [`/pricebook?tab=reprice&run=${RUN}`]: "a difference",
};

for (const path of Object.keys(PAGES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const setup = priced();
      setup.world.runs.unshift({ ...setup.world.runs[0], id: RUN, apply: false });
      await enter(page, setup);
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await settled(page);
        if (/entry|new/.test(path)) await expect(page.getByRole("dialog")).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = priced();
    english.world.runs.unshift({ ...english.world.runs[0], id: RUN, apply: false });
    // Whatever is still Korean then comes from the app.
    const ascii = (value) => JSON.parse(JSON.stringify(value).replace(/[가-힣]+/g, "x"));
    for (const name of Object.keys(english.world)) english.world[name] = ascii(english.world[name]);
    await enter(page, english, {}, { ...ascii(ME), locale: "en" });
    await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
    await page.goto(path);
    await settled(page);
    const text = (await page.locator("body").innerText()).replaceAll("한국어", "");
    expect(text.match(/[^\n]*[가-힣]+[^\n]*/g) ?? []).toEqual([]);
  });
}
