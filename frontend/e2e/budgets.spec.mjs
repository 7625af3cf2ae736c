import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { CHATBOT, enter } from "./admin.mock.mjs";
import { budgeted, LIMIT, MONTHLY, QUARTERLY, STAGING, TUTOR } from "./budgets.mock.mjs";
import { ME, problem } from "./mock.mjs";
import { fixNow } from "./prices.mock.mjs";

const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const threshold = (dialog, n) => dialog.getByRole("group", { name: `기준 ${n}`, exact: true });
const sent = (asked, line) => asked.filter((one) => one.line === line).map(({ body }) => body);
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

test("each budget tells how it stands and where it leads", async ({ page }) => {
  await enter(page, budgeted());
  await page.goto("/");
  await page.getByRole("link", { name: "예산", exact: true }).click();
  const cells = (name) => row(page, name).getByRole("cell");
  await expect(cells("2026년 AI 예산")).toHaveText([
    "2026년 AI 예산조직 전체", "$1,000.00 USD월간", "$742.10 USD74%청구+추정", "$1,018.35 USD이대로면 11월 30일에 예산을 넘겨요", "초과 예상",
  ]);
  await expect(cells("chatbot-experiment")).toHaveText([
    "chatbot-experiment비용 한도프로젝트 · chatbot-experiment", "$500.00 USD일간", "$742.00 USD148%이벤트 추정", "$767.00 USD11월 24일에 예산을 다 썼어요", "초과",
  ]);
  await expect(cells("스테이징")).toHaveText(["스테이징환경 · 스테이징", "$500.00 USD월간", "$84.20 USD16%청구", "$110.00 USD", "정상호출 차단"]);
  // Unknown is said, and is no zero.
  await expect(cells("마케팅 분기")).toHaveText(["마케팅 분기팀 · 마케팅팀", "₩3,000,000 KRW분기", "최소 ₩1,204,300 KRW40%사용량 추정", "최소 ₩2,010,000 KRW", "일부만 확인"]);
  await expect(cells("튜터 서비스")).toHaveText(["튜터 서비스서비스 · tutor-svc", "$1,000.00 USD월간", "아직 알 수 없어요", "아직 예상할 수 없어요", "알 수 없음"]);
  // The thresholds are on the bar, and so is the amount of one that is beyond it.
  await expect(row(page, "2026년 AI 예산").locator(".meter line")).toHaveCount(2);
  await expect(row(page, "chatbot-experiment").locator(".meter line")).toHaveCount(1);
  expect(await row(page, "2026년 AI 예산").locator(".meter-fill").getAttribute("width")).toBe("74.2%");
});

test("the list is narrowed by the URL", async ({ page }) => {
  const asked = await enter(page, budgeted());
  await page.goto("/budgets");
  await page.getByLabel("종류").selectOption("limit");
  await expect(page).toHaveURL("/budgets?kind=limit");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByLabel("종류").selectOption("");
  await page.getByLabel("프로젝트").selectOption(CHATBOT);
  await expect(page).toHaveURL(`/budgets?projectId=${CHATBOT}`);
  await page.getByLabel("대상").selectOption("team");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  expect(asked.findLast(({ line }) => line === "GET /budgets").query).toBe(`include=standing&limit=20&scopeType=team&projectId=${CHATBOT}`);
  await page.getByRole("button", { name: "필터 지우기" }).first().click();
  await expect(page).toHaveURL("/budgets");
  await expect(page.locator("tbody tr")).toHaveCount(5);
});

test("budgets are found by how they stand, page by page, as the service says", async ({ page }) => {
  const setup = budgeted();
  const list = setup.answers.find(([known]) => known === "GET /budgets")[1];
  const asked = await enter(page, setup, {
    "GET /budgets": (request) => {
      const { data } = list(request);
      if (request.query.get("state") !== "over") return { data, nextCursor: null };
      const more = { ...data[0], id: TUTOR, name: "다음 쪽" };
      return request.query.get("cursor") ? { data: [more], nextCursor: null } : { data, nextCursor: "2" };
    },
  });
  await page.goto("/budgets");
  await expect(page.locator("tbody tr")).toHaveCount(5);
  // How each stands came with the list.
  expect(asked.filter(({ line }) => line.endsWith("/status"))).toEqual([]);
  await page.getByLabel("상태").selectOption("over");
  await expect(page).toHaveURL("/budgets?state=over");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(row(page, "chatbot-experiment")).toContainText("초과");
  await page.getByRole("button", { name: "다음" }).click();
  await expect(row(page, "다음 쪽")).toBeVisible();
  expect(asked.filter(({ line, query }) => line === "GET /budgets" && query.includes("state")).map(({ query }) => query)).toEqual([
    "include=standing&limit=20&state=over", "include=standing&limit=20&state=over&cursor=2",
  ]);
  await page.getByLabel("상태").selectOption("reached");
  await expect(page).toHaveURL("/budgets?state=reached");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  await page.getByRole("button", { name: "필터 지우기" }).first().click();
  await expect(page).toHaveURL("/budgets");
});

test("a budget shows what is left day by day, its thresholds and its past", async ({ page }) => {
  await enter(page, budgeted());
  await page.goto("/budgets");
  await page.getByRole("link", { name: "2026년 AI 예산" }).click();
  await expect(page).toHaveURL(`/budgets/${MONTHLY}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("2026년 AI 예산");
  await expect(page.getByText("조직 전체 · 월간 · 2026. 11. 1. – 2026. 11. 30.")).toBeVisible();
  const used = page.getByRole("region", { name: "사용", exact: true });
  for (const text of ["$742.10", "74% 사용", "$257.90", "$1,000.00 중", "6일 남았어요", "$42.50", "$1,018.35", "이대로면 11월 30일에 예산을 넘겨요"]) await expect(used).toContainText(text);
  const burn = page.getByRole("region", { name: "남은 금액의 흐름" });
  const chart = burn.getByRole("slider");
  await chart.focus();
  await chart.press("Home");
  await expect(chart).toHaveAttribute("aria-valuetext", /남은 금액 \$973\.00 USD, 예상 수집 전, 고르게 쓸 때 \$966\.67 USD/);
  await expect(chart).toHaveAttribute("aria-valuemax", "30");
  await burn.getByRole("button", { name: "표로 보기" }).click();
  const last = burn.getByRole("row").nth(1);
  await expect(last).toContainText("2026. 11. 30.");
  await expect(last).toContainText("−$18.35 USD");
  const thresholds = page.getByRole("region", { name: "기준", exact: true });
  await expect(thresholds.getByRole("row").nth(1)).toContainText("50% $500.00 USD · 쓴 금액이메일도달");
  await expect(thresholds.getByRole("row").nth(2)).toContainText("80% $800.00 USD · 쓴 금액이메일+Slack아직");
  await expect(thresholds).toContainText("기준에 닿으면 바로 알림을 만들고, 정한 방법으로 알려 드려요.");
  const past = page.getByRole("region", { name: "지난 기간" });
  await expect(past.locator("tbody tr")).toHaveCount(3);
  await expect(past.getByRole("row").nth(1)).toContainText("110% 초과");
  await expect(past.getByRole("row").nth(3)).toContainText("예산 없음최소 $240.00 USD");
});

test("what is not known is said, with what helps", async ({ page }) => {
  await enter(page, budgeted());
  await page.goto(`/budgets/${QUARTERLY}`);
  const banner = page.locator(".banner").filter({ hasText: "아직 모르는 비용이 있어요." });
  await expect(banner.getByRole("listitem")).toHaveText(["2일은 비용을 아직 알 수 없어요.", "호출 12건은 가격을 몰라요.", "€12.50 EUR는 환율이 없어 더하지 못했어요."]);
  await expect(banner.getByRole("link", { name: "가격 추가하기" })).toHaveAttribute("href", "/pricebook");
  await expect(page.getByText("최대 ₩1,795,700 KRW")).toBeVisible();
  await expect(page.getByText("1 USD = 1,385.5 KRW · 2026. 10. 1. · 서울외국환중개")).toBeVisible();
  await page.goto(`/budgets/${TUTOR}`);
  await expect(page.getByText("아직 예상할 수 없어요")).toBeVisible();
  await expect(page.getByText("정한 기준이 없어요.")).toBeVisible();
  await expect(page.locator("main")).not.toContainText("$0.00");
  await page.goto("/budgets/01936f00-0000-7000-8000-00000000dead");
  await expect(page.getByText("찾을 수 없어요")).toBeVisible();
});

test("a template fills the form in, and the budget that is made opens", async ({ page }) => {
  const asked = await enter(page, budgeted());
  await page.goto("/budgets?new=budget");
  const dialog = page.getByRole("dialog", { name: "예산 추가" });
  await dialog.getByRole("button", { name: "스테이징" }).click();
  await expect(dialog.getByLabel("이름")).toHaveValue("스테이징 예산");
  await expect(dialog.getByLabel("금액", { exact: true })).toHaveValue("500");
  await expect(dialog.getByLabel("어떤 환경인가요?")).toHaveValue("staging");
  await expect(dialog.getByRole("radio", { name: "호출 차단" })).toBeChecked();
  await expect(dialog.getByText("금액을 다 쓰면 호출 전에 확인(guard)하는 프로그램의 호출을 거절하고 이메일과 Slack으로 알려요.")).toBeVisible();
  await expect(threshold(dialog, 2).getByLabel("기준(%)")).toHaveValue("90");
  await dialog.getByRole("button", { name: "예산 추가" }).click();
  await expect(toast(page, "‘스테이징 예산’ 예산을 추가했어요.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("스테이징 예산");
  expect(sent(asked, "POST /budgets")).toEqual([{
    name: "스테이징 예산", scope: { type: "environment", id: "staging" }, amount: "500.000000", currency: "USD", period: "monthly", enforcement: "hard",
    alerts: [{ threshold: "75", type: "both", basis: "actual" }, { threshold: "90", type: "both", basis: "actual" }],
  }]);
});

test("each mistake is told where it is, and thresholds are put in order", async ({ page }) => {
  const asked = await enter(page, budgeted());
  await page.goto("/budgets");
  await page.getByRole("button", { name: "예산 추가" }).click();
  const dialog = page.getByRole("dialog", { name: "예산 추가" });
  const submit = dialog.getByRole("button", { name: "예산 추가" });
  await dialog.getByLabel("대상").selectOption("project");
  await threshold(dialog, 1).getByLabel("기준(%)").fill("120");
  await threshold(dialog, 2).getByLabel("기준(%)").fill("100.0");
  await threshold(dialog, 3).getByLabel("할 일").selectOption("block");
  await dialog.getByRole("button", { name: "기준 추가" }).click();
  await submit.click();
  await expect(dialog.getByLabel("이름")).toBeFocused();
  await expect(dialog.getByLabel("어떤 프로젝트인가요?")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByLabel("금액", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await expect(threshold(dialog, 1).getByLabel("기준(%)")).toHaveValue("100.0");
  await expect(threshold(dialog, 2)).toContainText("같은 기준이 이미 있어요.");
  await expect(threshold(dialog, 2)).toContainText("‘호출 차단’ 예산에서만 쓸 수 있어요.");
  await expect(threshold(dialog, 3).getByLabel("기준(%)")).toHaveValue("120");
  await expect(threshold(dialog, 4)).toContainText("입력해 주세요.");
  await dialog.getByRole("button", { name: "기준 4 삭제" }).click();
  await dialog.getByRole("button", { name: "기준 1 삭제" }).click();
  await dialog.getByRole("radio", { name: "호출 차단" }).click();
  await dialog.getByLabel("이름").fill("챗봇");
  await dialog.getByLabel("어떤 프로젝트인가요?").selectOption(CHATBOT);
  await dialog.getByLabel("금액", { exact: true }).fill("$1,200.5");
  await submit.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("챗봇");
  expect(sent(asked, "POST /budgets")).toEqual([{
    name: "챗봇", scope: { type: "project", id: CHATBOT }, amount: "1200.500000", currency: "USD", period: "monthly", enforcement: "hard",
    alerts: [{ threshold: "100", type: "block", basis: "actual" }, { threshold: "120", type: "both", basis: "actual" }],
  }]);
});

test("what the service refuses is told at its field too", async ({ page }) => {
  await enter(page, budgeted(), {
    "POST /budgets": () => problem(422, "validation_failed", [
      { pointer: "/alerts/1/threshold", code: "order", message: "must come before those that are higher" },
      { pointer: "/scope/id", code: "unknown", message: "there is no such project" },
    ]),
  });
  await page.goto(`/budgets?new=budget&projectId=${CHATBOT}`);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("어떤 프로젝트인가요?")).toHaveValue(CHATBOT);
  await dialog.getByLabel("이름").fill("챗봇");
  await dialog.getByLabel("금액", { exact: true }).fill("10");
  await dialog.getByRole("button", { name: "예산 추가" }).click();
  await expect(threshold(dialog, 2)).toContainText("낮은 기준부터 차례로 적어 주세요.");
  await expect(dialog.getByText("찾을 수 없어요. 다시 선택해 주세요.")).toBeVisible();
  await expect(dialog.getByLabel("어떤 프로젝트인가요?")).toBeFocused();
});

test("another currency brings its rate along, or asks for one", async ({ page }) => {
  const setup = budgeted();
  const asked = await enter(page, setup);
  await page.goto("/budgets?new=budget");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("이름").fill("원화 예산");
  await dialog.getByLabel("금액", { exact: true }).fill("1300000");
  await dialog.getByLabel("통화").selectOption("KRW");
  await expect(dialog.getByText("1 USD = 1,391.2 KRW · 2026. 11. 20. · 서울외국환중개")).toBeVisible();
  await expect(dialog.getByLabel("1 USD의 환율")).toHaveCount(0);
  await dialog.getByRole("button", { name: "환율 바꾸기" }).click();
  await expect(dialog.getByLabel("환율 날짜")).toHaveValue("2026-11-24");
  await dialog.getByRole("button", { name: "예산 추가" }).click();
  await expect(dialog.getByLabel("1 USD의 환율")).toHaveAttribute("aria-invalid", "true");
  expect(sent(asked, "POST /budgets")).toEqual([]);
  await dialog.getByLabel("1 USD의 환율").fill("1,400.5");
  await dialog.getByLabel("출처").fill("한국은행");
  await dialog.getByRole("button", { name: "예산 추가" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("원화 예산");
  expect(sent(asked, "PUT /fx-rates")).toEqual([{ currency: "KRW", date: "2026-11-24", rate: "1400.500000", source: "한국은행" }]);
  expect(sent(asked, "POST /budgets")[0]).toMatchObject({ amount: "1300000.000000", currency: "KRW" });
  setup.world.rates = [];
  await page.goto("/budgets?new=budget");
  await dialog.getByLabel("통화").selectOption("KRW");
  await expect(dialog.getByText("KRW 환율이 아직 없어요. 함께 등록해 주세요.")).toBeVisible();
  await expect(dialog.getByLabel("1 USD의 환율")).toBeVisible();
});

test("a budget is changed, and deleted after its consequences", async ({ page }) => {
  const asked = await enter(page, budgeted());
  await page.goto(`/budgets/${MONTHLY}`);
  await page.getByRole("button", { name: "수정" }).click();
  await expect(page).toHaveURL(`/budgets/${MONTHLY}?edit=budget`);
  const dialog = page.getByRole("dialog", { name: "예산 수정" });
  await expect(dialog.getByText("대상은 바꿀 수 없어요.")).toBeVisible();
  await expect(dialog.getByLabel("대상")).toHaveCount(0);
  await dialog.getByLabel("금액", { exact: true }).fill("2000");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "‘2026년 AI 예산’ 예산을 바꿨어요.")).toBeVisible();
  await expect(page.getByText("$2,000.00 중")).toBeVisible();
  expect(sent(asked, `PUT /budgets/${MONTHLY}`)[0]).toMatchObject({ name: "2026년 AI 예산", scope: { type: "organization" }, amount: "2000.000000", alerts: [{ threshold: "50" }, { threshold: "80" }, { threshold: "100", basis: "forecast" }] });
  await page.getByRole("button", { name: "삭제" }).click();
  const confirm = page.getByRole("alertdialog", { name: "‘2026년 AI 예산’ 예산을 삭제할까요?" });
  await expect(confirm).toContainText("지금까지 쓴 비용 기록은 그대로 남아요.");
  await expect(confirm.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await confirm.getByRole("button", { name: "삭제" }).click();
  await expect(page).toHaveURL("/budgets");
  await expect(page.locator("tbody tr")).toHaveCount(4);
});

test("a project's cost thresholds are set together", async ({ page }) => {
  const asked = await enter(page, budgeted());
  await page.goto(`/projects/${CHATBOT}`);
  await page.getByRole("link", { name: "예산 보기" }).click();
  await expect(page).toHaveURL(`/budgets?projectId=${CHATBOT}`);
  await page.getByRole("button", { name: "비용 한도 설정" }).click();
  const dialog = page.getByRole("dialog", { name: "비용 한도 설정" });
  await expect(dialog.getByLabel("프로젝트")).toHaveValue(CHATBOT);
  await expect(dialog.getByRole("textbox", { name: "일일 한도" })).toHaveValue("500");
  await expect(dialog.getByRole("textbox", { name: "주간 한도" })).toHaveValue("");
  await dialog.getByRole("textbox", { name: "주간 한도" }).fill("0");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(dialog.getByRole("textbox", { name: "주간 한도" })).toBeFocused();
  await expect(dialog.getByText("0보다 큰 금액을")).toBeVisible();
  await dialog.getByRole("textbox", { name: "주간 한도" }).fill("2000");
  await dialog.getByRole("group", { name: "주간 한도" }).getByLabel("할 일").selectOption("slack");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "비용 한도를 저장했어요.")).toBeVisible();
  await expect(page.locator("tbody tr")).toHaveCount(2);
  expect(sent(asked, `PUT /projects/${CHATBOT}/cost-thresholds`)).toEqual([{
    daily: { amount: "500.000000", currency: "USD", type: "both", enforcement: "soft" }, weekly: { amount: "2000.000000", currency: "USD", type: "slack", enforcement: "soft" },
  }]);
  await page.goto(`/budgets/${LIMIT}`);
  await expect(page.getByText("넘긴 금액")).toBeVisible();
  // A day has no course.
  await expect(page.getByText("남은 금액의 흐름")).toHaveCount(0);
  await page.getByRole("button", { name: "수정" }).click();
  await expect(page.getByRole("dialog", { name: "비용 한도 설정" }).getByRole("textbox", { name: "일일 한도" })).toHaveValue("500");
});

test("a project's prompts are stored from now on, and no more only after what goes with them is said", async ({ page }) => {
  const asked = await enter(page, budgeted());
  await page.goto(`/projects/${CHATBOT}?tab=settings`);
  const stores = page.getByRole("switch", { name: "프롬프트와 응답 저장하기" });
  await expect(stores).not.toBeChecked();
  await stores.click();
  await expect(stores).toBeChecked();
  await stores.click();
  const dialog = page.getByRole("alertdialog", { name: "저장을 그만둘까요?" });
  await expect(dialog).toContainText("지금까지 저장한 프롬프트와 응답을 모두 지워요.");
  await expect(stores).toBeChecked();
  await dialog.getByRole("button", { name: "그대로 두기" }).click();
  await expect(stores).toBeChecked();
  await stores.click();
  await dialog.getByRole("button", { name: "그만두고 지우기" }).click();
  await expect(stores).not.toBeChecked();
  expect(sent(asked, `PATCH /projects/${CHATBOT}`)).toEqual([{ storePrompts: true }, { storePrompts: false }]);
});

test("who only reads is offered no change", async ({ page }) => {
  await enter(page, budgeted(), {}, { ...ME, role: "user" });
  await page.goto("/budgets?new=budget");
  await expect(row(page, "2026년 AI 예산")).toContainText("$742.10");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  for (const name of [/예산 추가/, /한도 설정/]) await expect(page.getByRole("button", { name })).toHaveCount(0);
  await page.goto(`/budgets/${MONTHLY}?edit=budget`);
  await expect(page.getByText("74% 사용")).toBeVisible();
  for (const name of ["수정", "삭제"]) await expect(page.getByRole("button", { name })).toHaveCount(0);
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("without budgets it says what comes next, and a failure says so", async ({ page }) => {
  const setup = budgeted();
  setup.world.budgets = [];
  let failing = true;
  await enter(page, setup, { "GET /budgets": () => (failing ? problem(500, "internal") : { data: [], nextCursor: null }) });
  await page.goto("/budgets");
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  failing = false;
  await page.getByRole("alert").getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByText("아직 예산이 없어요")).toBeVisible();
  await page.locator(".state").getByRole("button", { name: "예산 추가" }).click();
  await expect(page.getByRole("dialog", { name: "예산 추가" })).toBeVisible();
});

test("the palette leads here", async ({ page }) => {
  await enter(page, budgeted());
  await page.goto("/budgets");
  await settled(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "검색하거나 이동하기" }).fill("예산 추가");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "예산 추가" })).toBeVisible();
});

const PAGES = ["/budgets", "/budgets?new=budget", `/budgets?new=limit&projectId=${CHATBOT}`, `/budgets/${MONTHLY}`, `/budgets/${LIMIT}`, `/budgets/${QUARTERLY}`, `/budgets/${MONTHLY}?edit=budget`];

for (const path of PAGES) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await enter(page, budgeted());
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await settled(page);
        if (/edit|new/.test(path)) await expect(page.getByRole("dialog")).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = budgeted();
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
