// What a project's cost was worth: what came of its calls, beside it.
import { expect, test } from "@playwright/test";
import { costs, freeze, PROJECTS } from "./costs.mjs";
import { problem, signIn } from "./mock.mjs";

const [CHATBOT, RECOMMEND] = PROJECTS;
const NEW_IDEA = PROJECTS.at(-1);

async function open(page, project, answers = {}, query = "tab=value") {
  await freeze(page);
  await signIn(page, { ...costs(), ...answers });
  await page.goto(`/projects/${project.id}?${query}`);
}

const card = (page, name) => page.getByRole("region", { name, exact: true });

test("the value tab puts what came of calls beside their cost", async ({ page }) => {
  await open(page, CHATBOT, {}, "");
  await page.getByRole("tab", { name: "성과" }).click();
  await expect(page).toHaveURL(/tab=value/);
  const total = card(page, "성과 요약");
  for (const text of [
    "최소 $1,148.20 USD", "청구+추정", "$1,090.10 · 청구", "$58.10 · 이벤트 추정", "48,210", "이 중 오류 31건", "90%", "성공 1,116 · 실패 124 · 그 외 12", "최소 $1.03 USD",
    "4.21", "점수 412개",
  ]) await expect(total).toContainText(text);
  // What is not known is said, and so is a call without a price.
  await expect(page.locator(".banner").filter({ hasText: "아직 모르는 비용이 있어요." }).getByRole("listitem")).toHaveText(["1일은 비용을 아직 알 수 없어요."]);
  const types = card(page, "작업 유형별").locator("tbody tr");
  await expect(types.nth(0).getByRole("cell")).toHaveText(["고객 문의", "$702.31 USD", "30,104", "93%성공 812 · 실패 61", "$0.86 USD", "4.41점수 300개"]);
  await expect(types.nth(1)).toContainText("최소 $310.00 USD");
  await expect(types.nth(2).getByRole("cell")).toHaveText(["작업 유형 없음", "$0.004200 USD", "4,086", "기록 없음", "기록 없음", "기록 없음"]);
  await expect(card(page, "모델별").locator("tbody tr").nth(2).getByRole("cell")).toHaveText(["호출 없이 기록한 결과", "아직 알 수 없어요", "기록 없음", "기록 없음", "기록 없음", "기록 없음"]);
  await expect(page.locator("details.guide")).toContainText(`/api/projects/${CHATBOT.id}/outcomes`);
});

test("what calls were for is told with its cost, and the many others together", async ({ page }) => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/value/intents?") && asked.push(new URL(request.url()).search));
  await open(page, CHATBOT, {}, "tab=value&from=2026-10-24&to=2026-11-23");
  const intents = card(page, "의도별");
  const rows = intents.locator("tbody tr");
  await expect(rows.nth(0).getByRole("cell")).toHaveText(["환불 규정 안내", "$410.20 USD", "12,004", "96.1%성공 500 · 실패 20", "$0.82 USD", "4.5점수 200개"]);
  await expect(rows.nth(1)).toContainText("최소 $120.00 USD");
  await expect(rows.nth(2).getByRole("cell")).toHaveText(["의도 없음", "$60.10 USD", "4,000", "기록 없음", "기록 없음", "기록 없음"]);
  await expect(rows.nth(3).getByRole("cell")).toHaveText(["그 외 의도 131개", "$220.50 USD", "10,800", "99%성공 102 · 실패 1", "$2.16 USD", "4점수 20개"]);
  await expect(rows).toHaveCount(4);
  // It does not go back as far as the sums do, and says so.
  await expect(intents).toContainText("2026. 11. 2. 12:00부터의 호출이에요.");
  expect(asked).toEqual(["?from=2026-10-24&to=2026-11-23"]);
  await page.goto(`/projects/${RECOMMEND.id}?tab=value`);
  await expect(card(page, "모델별")).toBeVisible();
  await expect(intents).toHaveCount(0);
});

test("intents that cannot be told hide none of the sums", async ({ page }) => {
  let failing = true;
  const path = `GET /projects/${CHATBOT.id}/value/intents`;
  const answer = costs()[path];
  await open(page, CHATBOT, { [path]: (request) => (failing ? problem(503, "unavailable") : answer(request)) });
  await expect(card(page, "작업 유형별")).toBeVisible();
  await expect(card(page, "의도별").getByRole("alert")).toBeVisible();
  failing = false;
  await card(page, "의도별").getByRole("button", { name: "다시 시도하기" }).click();
  await expect(card(page, "의도별").locator("tbody tr")).toHaveCount(4);
});

test("days are drawn by cost or by success, and a day that nobody knows is a gap", async ({ page }) => {
  await open(page, CHATBOT);
  const days = card(page, "날짜별");
  const chart = days.getByRole("slider");
  await expect(days).toContainText("하루는 Asia/Seoul 기준이에요.");
  await chart.focus();
  await chart.press("Home");
  await expect(chart).toHaveAttribute("aria-valuetext", /비용 \$30\.00 USD/);
  await days.getByRole("radio", { name: "성공 1건당 비용" }).click();
  await expect(days.locator(".sum")).toHaveText("성공 1건당 비용 · 10. 24. – 11. 22.최소 $1.03 USD");
  await chart.focus();
  await chart.press("Home");
  await expect(chart).toHaveAttribute("aria-valuetext", /성공 1건당 비용 \$1\.00 USD/);
  for (let step = 0; step < 4; step += 1) await chart.press("ArrowRight");
  // It cost something, and nothing succeeded: no number stands for that.
  await expect(chart).toHaveAttribute("aria-valuetext", /성공 1건당 비용 수집 전/);
  await days.getByRole("button", { name: "표로 보기" }).click();
  await expect(days.getByRole("row").nth(30 - 11)).toContainText("–");
});

test("without outcomes it says how to record them, and shows no zero", async ({ page }) => {
  await open(page, RECOMMEND);
  const record = card(page, "결과 기록하기");
  await expect(record.locator("pre")).toContainText(`/api/projects/${RECOMMEND.id}/outcomes`);
  await expect(record.getByRole("link", { name: "연동 가이드" })).toHaveAttribute("href", `/integration?project=${RECOMMEND.id}`);
  const total = card(page, "성과 요약");
  await expect(total.getByText("기록 없음")).toHaveCount(3);
  await expect(total).toContainText("기록된 결과가 없어요");
  await expect(total).not.toContainText("0%");
  await page.goto(`/projects/${NEW_IDEA.id}?tab=value`);
  await expect(page.getByText("이 기간에는 비용도, 보고된 호출도, 기록된 결과도 없어요.")).toBeVisible();
  await expect(card(page, "결과 기록하기")).toBeVisible();
  await expect(page.locator("main")).not.toContainText("$0.00");
});

test("the chosen period is asked for, and one that is too long is not", async ({ page }) => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/value?") && asked.push(new URL(request.url()).search));
  await open(page, CHATBOT, {}, "tab=value&from=2026-10-01&to=2026-11-01");
  await expect(card(page, "성과 요약")).toBeVisible();
  expect(asked).toEqual(["?from=2026-10-01&to=2026-11-01"]);
  await page.goto(`/projects/${CHATBOT.id}?tab=value&from=2025-01-01&to=2026-11-01`);
  await expect(page.getByText("성과는 한 번에 366일까지 볼 수 있어요.")).toBeVisible();
  expect(asked).toHaveLength(1);
  await page.getByRole("button", { name: "최근 90일 보기" }).click();
  await expect(card(page, "성과 요약")).toBeVisible();
});

test("what fails can be tried again, what is forbidden says so", async ({ page }) => {
  let answer = problem(503, "unavailable");
  await open(page, CHATBOT, { [`GET /projects/${CHATBOT.id}/value`]: () => answer });
  const panel = page.getByRole("tabpanel");
  await expect(panel.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  answer = problem(403, "forbidden");
  await panel.getByRole("button", { name: "다시 시도하기" }).click();
  await expect(panel.getByText("권한이 필요해요")).toBeVisible();
});

for (const language of ["ko", "en"]) {
  test(`all tabs are in sight on a narrow screen (${language})`, async ({ page }) => {
    await page.addInitScript((language) => localStorage.setItem("finops.locale", language), language);
    await page.setViewportSize({ width: 360, height: 800 });
    await open(page, CHATBOT);
    const tabs = page.getByRole("tab");
    await expect(tabs).toHaveCount(5);
    const places = await tabs.evaluateAll((all) => all.map((tab) => tab.getBoundingClientRect()).map(({ left, right, top }) => ({ left, right, top })));
    for (const place of places) {
      expect(place.left).toBeGreaterThanOrEqual(16);
      expect(place.right).toBeLessThanOrEqual(344);
      expect(place.top, "one row").toBe(places[0].top);
    }
  });
}
