import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { CHATBOT, enter } from "./admin.mock.mjs";
import { ME, problem } from "./mock.mjs";
import { fixNow } from "./prices.mock.mjs";
import { BEFORE, LAST, reported } from "./reports.mock.mjs";

const card = (page, name) => page.getByRole("region", { name, exact: true });
const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);
const sent = (asked, line) => asked.filter((one) => one.line === line).map(({ body }) => body);
const settled = async (page) => {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
};

// What the browser complained of; a refused request alone is no complaint, nor is a script of an e-mail that may not run.
let complaints;
test.beforeEach(async ({ page }) => {
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !/^Failed to load resource|Blocked script execution in 'about:srcdoc'/.test(message.text()) && complaints.push(message.text()));
  await fixNow(page, "2026-11-24T09:00:00Z");
});
test.afterEach(() => expect(complaints).toEqual([]));

test("the week that is over: what it cost, who made the most of it, and what to do next", async ({ page }) => {
  const asked = await enter(page, reported());
  await page.goto("/");
  await page.getByRole("link", { name: "주간 리포트", exact: true }).click();
  await expect(page).toHaveURL("/reports/weekly");
  const summary = card(page, "한 주 요약");
  for (const text of [
    "$1,240.50 USD", "청구+추정", "그 전주보다 12.5% 늘었어요", "그 전주 $1,102.67", "청구 $1,102.40", "8개", "비교하지 못한 프로젝트가 5개 있어요", "4건", "아직 2건이 열려 있어요",
    "2건", "1건은 지금도 차단 중이에요",
  ]) await expect(summary).toContainText(text);
  expect(asked.find(({ line }) => line === "GET /reports/weekly").query).toBe(`week=${LAST}`);
  await expect(page.getByText("Asia/Seoul 기준 · 2026. 11. 23. 09:00에 보낸 그대로예요")).toBeVisible();
  const best = card(page, "비용 대비 성과가 좋은 프로젝트").locator("tbody tr");
  await expect(best).toHaveCount(3);
  await expect(best.nth(0).getByRole("cell")).toHaveText([
    "검색 요약플랫폼팀", "$0.004466 USD성공 1건당 비용", "$18.40 USD그 전주보다 9.1% 줄었어요이벤트 추정", "97.8%성공 4,120 · 실패 91", "4.62점수 310개", "지금처럼 이어 가기비용만큼 성과를 내고 있어요.",
  ]);
  // Ranked by feedback, of which no outcome is known.
  await expect(best.nth(2)).toContainText("94.44달러당 피드백 점수");
  await expect(best.nth(2)).toContainText("기록 없음");
  const worst = card(page, "개선할 여지가 큰 프로젝트").locator("tbody tr");
  await expect(worst.nth(0)).toContainText("proj_abc123");
  await expect(worst.nth(0)).toContainText("최소 $742.10 USD이벤트 추정");
  await expect(worst.nth(0)).toContainText("결과의 24%가 실패예요. 실패에 $178.71를 썼어요.");
  await expect(worst.nth(1)).toContainText("비용의 91.2%가 gpt-5.4에서 나왔어요. gpt-5.4-mini라면 이 주에 $96.30를 아꼈을 거예요.");
  // Each suggestion leads to where it is done.
  await expect(best.nth(1).getByRole("link", { name: "예산 정하기" })).toHaveAttribute("href", /^\/budgets\?new=budget&projectId=/);
  await expect(worst.nth(0).getByRole("link", { name: "실패 원인 찾기" })).toHaveAttribute("href", `/projects/${CHATBOT}?tab=value`);
  const lists = (name) => card(page, name).getByRole("listitem");
  await expect(lists("비교하지 못한 프로젝트")).toHaveText([/번역 배치결과 기록하기\$61\.20 USD/, /agent-evals/, /new-idea.*아직 알 수 없어요/]);
  await expect(card(page, "비교하지 못한 프로젝트")).toContainText("이 밖에 2개가 더 있어요.");
  await expect(lists("열린 알림")).toHaveText([/chatbot-experiment 100% 도달2026\. 11\. 20\. 14:12 · 확인 전/, /가격 없는 호출/]);
  await expect(lists("긴급 차단")).toHaveText([/chatbot-experiment예산 기준 \(자동\) · .* – 차단 중/, /마케팅팀 …abc1사람이 차단/]);
});

test("weeks are stepped through, and none is offered that is not over", async ({ page }) => {
  const asked = await enter(page, reported());
  await page.goto("/reports/weekly?week=2026-12-24");
  await expect(page.getByText("2026. 11. 16. – 2026. 11. 22.")).toBeVisible();
  await expect(page.getByRole("button", { name: "다음 주" })).toBeDisabled();
  await page.getByRole("button", { name: "이전 주" }).click();
  await expect(page).toHaveURL(`/reports/weekly?week=${BEFORE}`);
  await expect(page.getByText("2026. 11. 9. – 2026. 11. 15.")).toBeVisible();
  const summary = card(page, "한 주 요약");
  await expect(summary).toContainText("최소 $1,102.67 USD");
  await expect(summary).toContainText("이 주 비용을 아직 다 알지 못해 비교하지 않았어요");
  await expect(page.getByText("보내지 않은 주라서 지금 아는 내용으로 만들었어요")).toBeVisible();
  await expect(page.locator(".banner").filter({ hasText: "아직 모르는 비용이 있어요." }).getByRole("listitem"))
    .toHaveText(["2일은 비용을 아직 알 수 없어요.", "호출 12건은 가격을 몰라요.", "€12.50 EUR는 환율이 없어 더하지 못했어요."]);
  await expect(page.getByText("비교할 수 있는 프로젝트가 아직 없어요")).toBeVisible();
  await page.getByRole("button", { name: "이전 주" }).click();
  await expect(page.getByText("이 주에는 보여 드릴 것이 없어요")).toBeVisible();
  await expect(page.locator("main")).not.toContainText("$0.00");
  for (let step = 0; step < 2; step += 1) await page.getByRole("button", { name: "다음 주" }).click();
  await expect(page).toHaveURL("/reports/weekly");
  await expect(card(page, "한 주 요약")).toContainText("$1,240.50");
  expect(asked.filter(({ line }) => line === "GET /reports/weekly").every(({ query }) => query <= `week=${LAST}`)).toBe(true);
});

test("why there is nothing to compare with is said", async ({ page }) => {
  const setup = reported();
  const { total } = setup.world.reports[LAST];
  Object.assign(total, { previousCost: "0.000000", changePercent: null });
  await enter(page, setup);
  await page.goto("/reports/weekly");
  await expect(card(page, "한 주 요약")).toContainText("그 전주에는 쓴 비용이 없어요");
  total.previousCost = null;
  await page.reload();
  await expect(card(page, "한 주 요약")).toContainText("그 전주 비용을 다 알지 못해 비교하지 않았어요");
});

test("the e-mail is shown exactly as it is sent, in both languages, and runs nothing", async ({ page }) => {
  const asked = await enter(page, reported());
  await page.goto("/reports/weekly");
  await page.getByRole("tab", { name: "이메일" }).click();
  const frame = page.locator("iframe");
  const mail = page.frameLocator("iframe");
  await expect(mail.getByRole("heading")).toHaveText("[가나다 커머스] 지난주 AI 비용 $1,240.50 (12.5% 증가)");
  // Its styles are its own, whatever the page's policy says of styles in markup.
  await expect(mail.getByRole("link", { name: "리포트 보기" })).toHaveCSS("background-color", "rgb(11, 80, 208)");
  await expect(mail.getByRole("link", { name: "리포트 보기" })).toHaveAttribute("target", "_blank");
  await expect(frame).toHaveAttribute("title", "이메일 미리보기");
  await expect(frame).toHaveAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  await expect(page).toHaveTitle(/^주간 리포트/);
  // As high as what it holds.
  const within = await frame.evaluate((it) => it.contentDocument.documentElement.scrollHeight - it.clientHeight);
  expect(within).toBeLessThanOrEqual(0);
  await expect(page.getByText("받는 사람에게 도착하는 모습 그대로예요.")).toBeVisible();
  await page.getByRole("radio", { name: "English" }).click();
  await expect(page).toHaveURL(/language=en/);
  await expect(mail.getByRole("heading")).toContainText("AI costs of last week");
  await expect(page.getByRole("definition")).toContainText("[Example] AI costs of last week");
  expect(asked.findLast(({ line }) => line === "GET /reports/weekly/preview").query).toBe(`week=${LAST}&locale=en`);
  await page.getByText("글자만 보이는 메일 프로그램에서는").click();
  await expect(page.locator("details pre")).toContainText("Last week cost $1,240.50.");
});

test("recipients are named, mended and given back to the default", async ({ page }) => {
  const asked = await enter(page, reported());
  await page.goto("/reports/weekly?tab=mail");
  const recipients = card(page, "받는 사람");
  await expect(recipients).toContainText("따로 정하지 않아서 조직 관리자가 받아요.");
  await expect(recipients.getByRole("listitem")).toHaveText([/finops@example\.com한국어/, /finance@example\.com.*English/]);
  await recipients.getByRole("button", { name: "수정" }).click();
  const dialog = page.getByRole("dialog", { name: "받는 사람" });
  await dialog.getByRole("radio", { name: "직접 정하기" }).click();
  await dialog.getByLabel("한국어로 받을 주소").fill("finops@example.com\nnobody");
  await dialog.getByLabel("영어로 받을 주소").fill("finops@example.com");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(dialog.getByText("2번째: 이메일 주소 형식이 아니에요.")).toBeVisible();
  await expect(dialog.getByText("1번째: 같은 주소가 이미 있어요.")).toBeVisible();
  await expect(dialog.getByLabel("한국어로 받을 주소")).toBeFocused();
  expect(sent(asked, "PUT /reports/weekly/recipients")).toEqual([]);
  // What the service alone knows is told at its line too.
  await dialog.getByLabel("한국어로 받을 주소").fill("finops@example.com");
  await dialog.getByLabel("영어로 받을 주소").fill("ceo@example.com\ngone@example.com");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(dialog.getByText("2번째: 이메일 주소 형식이 아니에요.")).toBeVisible();
  await dialog.getByLabel("영어로 받을 주소").fill("ceo@example.com");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "받는 사람을 저장했어요.")).toBeVisible();
  await expect(recipients.getByRole("listitem")).toHaveText([/finops@example\.com/, /ceo@example\.com/]);
  await recipients.getByRole("button", { name: "수정" }).click();
  await expect(dialog.getByLabel("영어로 받을 주소")).toHaveValue("ceo@example.com");
  await dialog.getByLabel("한국어로 받을 주소").fill("");
  await dialog.getByLabel("영어로 받을 주소").fill("");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(recipients).toContainText("아무에게도 보내지 않고 있어요.");
  await recipients.getByRole("button", { name: "수정" }).click();
  await dialog.getByRole("radio", { name: "조직 관리자" }).click();
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(recipients).toContainText("따로 정하지 않아서 조직 관리자가 받아요.");
  expect(sent(asked, "PUT /reports/weekly/recipients").slice(1)).toEqual([
    { recipients: [{ email: "finops@example.com", locale: "ko" }, { email: "ceo@example.com", locale: "en" }] }, { recipients: [] }, { recipients: null },
  ]);
});

test("a test goes to oneself, and says what came of it", async ({ page }) => {
  let failing = true;
  const asked = await enter(page, reported(), {
    "POST /reports/weekly/test": ({ body }) => (failing ? problem(409, "channel_not_configured") : { to: ME.email, week: body.week }),
  });
  await page.goto(`/reports/weekly?week=${BEFORE}`);
  await page.getByRole("button", { name: "테스트 발송" }).click();
  const dialog = page.getByRole("dialog", { name: "테스트 발송" });
  await expect(dialog).toContainText("finops@example.com에만 보내요. 2026. 11. 9. – 2026. 11. 15. 리포트예요.");
  await dialog.getByLabel("언어").selectOption("en");
  await dialog.getByRole("button", { name: "보내기" }).click();
  await expect(dialog.locator(".banner")).toBeVisible();
  await expect(dialog.getByRole("status")).toHaveCount(0);
  failing = false;
  await dialog.getByRole("button", { name: "보내기" }).click();
  await expect(dialog.getByRole("status")).toContainText("리포트를 finops@example.com에 보냈어요.");
  await expect(dialog.getByRole("link", { name: "전달 기록" })).toHaveAttribute("href", "/alerts?tab=deliveries");
  await dialog.getByRole("button", { name: "닫기" }).last().click();
  await expect(dialog).toHaveCount(0);
  expect(sent(asked, "POST /reports/weekly/test")).toEqual([{ week: BEFORE, locale: "en" }, { week: BEFORE, locale: "en" }]);
});

test("what came of a report: who read it, and what was done", async ({ page }) => {
  await enter(page, reported());
  await page.goto("/reports/weekly");
  await page.getByRole("tab", { name: "효과" }).click();
  const effect = card(page, "리포트의 효과");
  for (const text of ["2/3명", "1/3명", "3건", "예산 1 · 긴급 차단 1 · 모델 교체 1", "보낸 주의 비용을 아직 다 알지 못해요"]) await expect(effect).toContainText(text);
  const done = card(page, "리포트 뒤에 한 조치").locator("tbody tr");
  await expect(done).toHaveText([/예산을 만들었어요리포트를 본 뒤상품 추천finops@example\.com2026\. 11\. 23\. 09:20/, /chatbot-experimentfinance@example\.com/, /모델 교체gpt-5\.4-mini비중 \+32\.4%p기록 없음/]);
  await expect(card(page, "받은 사람").getByRole("listitem")).toHaveText([
    "finops@example.com2026. 11. 23. 09:12에 열어 봤어요2026. 11. 23. 09:13에 링크를 눌렀어요링크 누름", "finance@example.com2026. 11. 23. 14:40에 열어 봤어요열어 봄", "ceo@example.com아직",
  ]);
  await card(page, "지난 리포트").getByRole("link", { name: "11. 2. – 11. 8." }).click();
  await expect(page).toHaveURL("/reports/weekly?tab=effect&week=2026-11-02");
  await expect(effect).toContainText("리포트의 주보다 15.8% 줄었어요");
  await expect(effect).toContainText("리포트 뒤에 한 조치가 없어요.");
  await page.getByRole("button", { name: "다음 주" }).click();
  await expect(page.getByText("이 주의 리포트는 보내지 않았어요")).toBeVisible();
});

test("without a report there is no effect, and a failure says so", async ({ page }) => {
  const setup = reported();
  setup.world.effects = [];
  let answer = problem(500, "internal");
  await enter(page, setup, { "GET /reports/weekly": () => answer });
  await page.goto("/reports/weekly?tab=effect");
  await expect(page.getByText("아직 보낸 리포트가 없어요")).toBeVisible();
  await page.getByRole("tab", { name: "리포트", exact: true }).click();
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  answer = problem(403, "forbidden");
  await page.getByRole("alert").getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByText("권한이 필요해요")).toBeVisible();
});

test("who does not run the organization is offered nothing of it", async ({ page }) => {
  await enter(page, reported(), { "GET /reports/weekly": () => problem(403, "forbidden") }, { ...ME, role: "user" });
  await page.goto("/reports/weekly?new=test&tab=mail");
  await expect(page.getByText("권한이 필요해요")).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("tab")).toHaveCount(1);
  await expect(page.getByRole("button", { name: "테스트 발송" })).toHaveCount(0);
  await expect(page.getByRole("navigation", { name: "주 메뉴" }).getByRole("link", { name: "주간 리포트" })).toHaveCount(0);
});

const PAGES = ["/reports/weekly", `/reports/weekly?week=${BEFORE}`, "/reports/weekly?tab=mail", "/reports/weekly?tab=mail&edit=recipients", "/reports/weekly?tab=effect", "/reports/weekly?new=test"];

for (const path of PAGES) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await enter(page, reported());
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await settled(page);
        if (/edit|new/.test(path)) await expect(page.getByRole("dialog")).toBeVisible();
        // Nothing runs in the e-mail, so axe would wait in it for ever.
        const { violations } = await new AxeBuilder({ page }).exclude("iframe").analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = reported();
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
