// What people do with costs: see them, ask why, narrow them, attribute them, take them along.
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { costs, emptySummary, freeze, PEOPLE, plus, PROJECTS, query, summary, TEAMS, TODAY } from "./costs.mjs";
import { json, ME, mock, problem, signIn } from "./mock.mjs";

const [CHATBOT] = PROJECTS;
const NEW_IDEA = PROJECTS.at(-1);
const reader = { ...ME, role: "user" };
const session = (user) => ({ accessToken: "mock", tokenType: "Bearer", expiresIn: 900, user });

async function open(page, path, answers = {}) {
  await freeze(page);
  await signIn(page, { ...costs(), ...answers });
  await page.goto(path);
}

const dollars = (amount) => `$${Number(amount).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

test("home says what was spent, why it changed and what to do", async ({ page }) => {
  await open(page, "/");
  const answer = summary(new URLSearchParams());
  await expect(page.getByRole("heading", { name: /어제 쓴 비용/ })).toBeVisible();
  await expect(page.getByText(dollars(answer.yesterday.cost)).first()).toBeVisible();
  await expect(page.getByText(/지지난주보다 .*% (늘었어요|줄었어요)/)).toBeVisible();
  await expect(page.getByText(/chatbot-experiment · gpt-5\.4-2026-03-05에서 \$[\d,.]+ (늘었어요|줄었어요)/).first()).toBeVisible();
  await expect(page.getByRole("link", { name: /이 중 프로젝트 미지정/ })).toHaveAttribute("href", /projectId=none/);
  const todo = page.getByRole("listitem").filter({ hasText: "비용 급증 확인하기" });
  await expect(todo).toContainText("평소보다 62% · +$148.22");
  await todo.getByRole("link").click();
  await expect(page).toHaveURL(`/projects/${CHATBOT.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("chatbot-experiment");
});

test("a stale team is named and led to", async ({ page }) => {
  const answer = summary(new URLSearchParams());
  answer.freshness = { ...answer.freshness, staleTeams: [{ id: TEAMS[1].id, name: TEAMS[1].name }] };
  await open(page, "/", { "GET /costs/summary": answer });
  await expect(page.getByText("1개 팀의 수집이 실패했어요.")).toBeVisible();
  await expect(page.getByRole("link", { name: TEAMS[1].name }).first()).toHaveAttribute("href", `/teams/${TEAMS[1].id}`);
});

test.describe("nothing to show has four reasons", () => {
  test("nothing was collected yet: set it up", async ({ page }) => {
    await open(page, "/", { "GET /costs/summary": emptySummary() });
    await expect(page.getByText("아직 데이터가 없어요")).toBeVisible();
    await expect(page.getByRole("main").getByRole("link", { name: "시작하기" })).toHaveAttribute("href", "/setup");
  });
  test("nothing is the reader's: ask for it", async ({ page }) => {
    const nothing = emptySummary({ collectedAt: "2026-11-23T03:00:00Z" });
    await open(page, "/", { "GET /costs/summary": nothing, "POST /auth/refresh": session(reader) });
    await expect(page.getByText("권한이 필요해요")).toBeVisible();
  });
  test("the collection fails: it is late", async ({ page }) => {
    const late = emptySummary({ collectedAt: "2026-11-20T03:00:00Z", staleTeams: [{ id: TEAMS[0].id, name: "a" }] });
    await open(page, "/", { "GET /costs/summary": late });
    await expect(page.getByText("수집이 늦어지고 있어요")).toBeVisible();
  });
  test("nothing matches: another period does", async ({ page }) => {
    await open(page, "/explore?from=2020-01-01&to=2020-02-01");
    await expect(page.getByText("이 기간에는 청구된 비용이 없어요")).toBeVisible();
    await page.getByRole("button", { name: "최근 90일 보기" }).click();
    await expect(page).toHaveURL(new RegExp(`to=${TODAY}`));
    await expect(page.getByRole("slider", { name: "기간별 비용" })).toBeVisible();
  });
});

test("a failure can be tried again and tells its request", async ({ page }) => {
  let broken = true;
  const answer = () => (broken ? problem(500, "internal") : json(summary(new URLSearchParams())));
  await open(page, "/", { "GET /costs/summary": answer });
  await expect(page.getByText("저희 쪽에서 문제가 생겼어요.")).toBeVisible();
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  broken = false;
  await page.getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByRole("heading", { name: /어제 쓴 비용/ })).toBeVisible();
});

test("a chart is read with the keyboard, as a table, and narrows the period", async ({ page }) => {
  await open(page, "/");
  const chart = page.getByRole("slider", { name: "비용 추이" });
  await chart.focus();
  await page.keyboard.press("End");
  await expect(chart).toHaveAttribute("aria-valuetext", /11\. 22\..*비용 \$[\d,.]+ USD, 아직 바뀔 수 있어요/);
  await page.keyboard.press("Home");
  await expect(chart).toHaveAttribute("aria-valuenow", "1");
  await page.keyboard.press("ArrowRight");
  await expect(chart).toHaveAttribute("aria-valuenow", "2");
  const second = plus(TODAY, -29);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`from=${second}&to=${plus(second, 1)}`));
  await page.goBack();

  await page.getByRole("button", { name: "표로 보기" }).click();
  const gap = page.getByRole("row").filter({ hasText: "2026. 11. 4." });
  await expect(gap).toContainText("–");
});

test("dragging over a chart chooses days", async ({ page }) => {
  await open(page, "/");
  const chart = page.getByRole("slider", { name: "비용 추이" });
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 80, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=2026-11-\d\d&to=2026-11-\d\d/);
  const { searchParams } = new URL(page.url());
  expect(searchParams.get("from") < searchParams.get("to")).toBe(true);
});

test("the legend shows one series alone", async ({ page }) => {
  await open(page, "/explore?groupBy=lineItem");
  const legend = page.getByRole("list", { name: "범례" });
  await expect(legend).toContainText("8개 중 6개");
  await expect(legend).toContainText("기타");
  const first = legend.getByRole("button").first();
  await first.click();
  await expect(first).toHaveAttribute("aria-pressed", "true");
  const chart = page.getByRole("slider", { name: "기간별 비용" });
  await chart.focus();
  await page.keyboard.press("End");
  await expect(chart).toHaveAttribute("aria-valuetext", new RegExp(await first.innerText()));
});

test("projects are compared, sorted and filtered by the URL", async ({ page }) => {
  await open(page, "/projects");
  const rows = page.getByRole("table").getByRole("row");
  await expect(rows.nth(1)).toContainText("chatbot-experiment");
  await expect(rows.last()).toContainText("미등록");
  await page.getByRole("button", { name: "프로젝트", exact: true }).click();
  await expect(page).toHaveURL(/sort=name/);
  await expect(rows.nth(1)).toContainText("agent-evals");
  await page.getByLabel("팀", { exact: true }).selectOption(TEAMS[2].id);
  await expect(page).toHaveURL(new RegExp(`teamId=${TEAMS[2].id}`));
  await expect(rows).toHaveCount(3);
  await expect(page.getByText("프로젝트 미지정")).toBeVisible();
  await page.getByLabel("환경").selectOption("production");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  await page.getByRole("button", { name: "필터 지우기" }).click();
  await expect(rows).toHaveCount(9);
});

test("cards are sorted too, where there is no room for a table", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await open(page, "/projects");
  const rows = page.getByRole("main").locator("tbody tr");
  await expect(rows.first()).toContainText("chatbot-experiment");
  await expect(page.getByRole("button", { name: "프로젝트", exact: true })).toBeHidden();
  await page.getByLabel("정렬").selectOption("프로젝트 오름차순");
  await expect(page).toHaveURL(/sort=name/);
  await expect(rows.first()).toContainText("agent-evals");
  await page.getByLabel("정렬").selectOption("비용 내림차순");
  await expect(rows.first()).toContainText("chatbot-experiment");
});

test("only whole periods are compared", async ({ page }) => {
  await open(page, "/projects?from=2026-11-16&to=2026-11-23");
  const change = page.getByRole("row").filter({ hasText: "chatbot-experiment" }).getByRole("cell").nth(6);
  await expect(change).toContainText("%");
  // Today is not over.
  await page.goto("/projects?from=2026-11-17&to=2026-11-24");
  await expect(page.getByRole("row").filter({ hasText: "chatbot-experiment" })).toContainText("$");
  await expect(change).toHaveText("–");
  // A day of it was not collected.
  await page.goto("/projects?from=2026-11-03&to=2026-11-06");
  await expect(page.getByRole("row").filter({ hasText: "chatbot-experiment" })).toContainText("$");
  await expect(change).toHaveText("–");
});

test("each project shows the budget that is nearest to its limit, or the way to one", async ({ page }) => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/budgets") && asked.push(new URL(request.url()).searchParams));
  await open(page, "/projects");
  const budget = (name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) }).getByRole("cell").last();
  await expect(budget("chatbot-experiment")).toHaveText("챗봇 월 예산월간74%$1,000.00 중 $742.10 USD이대로면 11월 30일에 예산을 넘겨요");
  await expect(budget("상품 추천")).toHaveText("비용 한도일간148%$40.00 중 $59.36 USD11월 23일에 예산을 다 썼어요");
  expect(await budget("chatbot-experiment").locator(".meter-fill").getAttribute("width")).toBe("74.2%");
  // Unknown is said, and is no zero.
  await expect(budget("search-ranking")).toContainText("₩3,000,000 중 최소 ₩1,204,300 KRW");
  await expect(budget("캠페인 문구 생성")).toHaveText("캠페인월간아직 알 수 없어요");
  await expect(budget("new-idea").getByRole("link", { name: "예산 설정" })).toHaveAttribute("href", `/budgets?projectId=${NEW_IDEA.id}&new=budget`);
  // One question for all of them.
  expect(asked.map((params) => params.get("include"))).toEqual(["standing"]);
  expect(asked[0].get("projectId").split(",").sort()).toEqual(PROJECTS.map(({ id }) => id).sort());
  await page.getByRole("button", { name: "예산", exact: true }).click();
  await expect(page).toHaveURL(/sort=-?budget/);
  await expect(page.getByRole("table").getByRole("row").nth(1)).toContainText("상품 추천");
  await page.getByRole("link", { name: "chatbot-experiment", exact: true }).click();
  const periods = page.getByRole("region", { name: "기간별 요약" });
  await expect(periods.getByRole("link", { name: "챗봇 월 예산" })).toHaveAttribute("href", /\/budgets\//);
  await expect(periods).toContainText("이대로면 11월 30일에 예산을 넘겨요");
});

test("budgets that cannot be told hide no project, and who sets none is offered none", async ({ page }) => {
  let failing = true;
  await open(page, "/projects", {
    "POST /auth/refresh": session(reader),
    "GET /budgets": () => (failing ? problem(503, "unavailable") : json({ data: [], nextCursor: null })),
  });
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: CHATBOT.name, exact: true }) });
  await expect(row).toContainText("불러오지 못했어요");
  await expect(row).toContainText("$");
  failing = false;
  await row.getByRole("button", { name: "다시 시도하기" }).click();
  await expect(row.getByRole("cell").last()).toHaveText("예산 없음");
});

test("what was collected in part says so", async ({ page }) => {
  const answer = summary(new URLSearchParams());
  Object.assign(answer.lastMonth, { complete: false, previousCost: null, changePercent: null, driver: null });
  await open(page, "/", { "GET /costs/summary": answer });
  await expect(page.getByText("일부만 수집됐어요")).toHaveCount(1);
});

test("a period has bounds and a year", async ({ page }) => {
  await open(page, "/explore");
  const choose = async (from, to) => {
    await page.getByRole("button", { name: /^기간:/ }).click();
    await page.getByRole("menuitemradio", { name: "직접 선택" }).or(page.getByRole("menuitem", { name: "직접 선택" })).click();
    await page.getByLabel("시작일").fill(from);
    await page.getByLabel("종료일").fill(to);
    await page.getByRole("button", { name: "적용" }).click();
  };
  await choose("", "2026-11-20");
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("입력해 주세요.")).toBeVisible();
  await dialog.getByLabel("시작일").fill("2020-01-01");
  await dialog.getByRole("button", { name: "적용" }).click();
  await expect(dialog.getByText("최대 3년(1,096일)까지 볼 수 있어요.")).toBeVisible();
  await dialog.getByLabel("시작일").fill("2025-12-01");
  await dialog.getByRole("button", { name: "적용" }).click();
  await expect(page.getByRole("button", { name: "기간: 2025. 12. 1. – 2026. 11. 20." })).toBeVisible();
});

test("a period that is too long can be left", async ({ page }) => {
  const tooLong = (request) => (request.url().includes("from=2020-") ? problem(422, "range_too_large") : costs()["GET /costs/query"](request));
  await open(page, "/explore?from=2020-01-01&to=2026-11-23", { "GET /costs/query": tooLong });
  await expect(page.getByText("최대 3년(1,096일)까지 볼 수 있어요.").first()).toBeVisible();
  await page.getByRole("button", { name: "최근 90일 보기" }).first().click();
  await expect(page.getByRole("slider", { name: "기간별 비용" })).toBeVisible();
});

test("who belongs nowhere is told so, and not that nothing was billed", async ({ page }) => {
  const none = { data: [], nextCursor: null };
  const query = (request) => json({ ...none, totals: [], basis: "billed", from: "2026-10-24", to: TODAY, dayZone: "UTC", freshness: { collectedAt: "2026-11-23T03:00:00Z", settledBefore: null, staleTeams: [] } });
  await open(page, "/explore", { "GET /costs/query": query, "GET /projects": none, "GET /teams": none, "POST /auth/refresh": session(reader) });
  await expect(page.getByText("속한 팀이나 프로젝트가 없어요.")).toBeVisible();
  await expect(page.getByText("이 기간에는 청구된 비용이 없어요")).toHaveCount(0);
  await expect(page.getByLabel("프로젝트", { exact: true }).getByRole("option", { name: "프로젝트 미지정" })).toHaveCount(0);
});

test("who belongs to a project alone does not see its team's collection", async ({ page }) => {
  const missing = Object.fromEntries(TEAMS.map(({ id }) => [`GET /teams/${id}/collection`, () => problem(404, "not_found")]));
  await open(page, `/projects/${CHATBOT.id}?tab=keys`, { ...missing, "POST /auth/refresh": session(reader) });
  await expect(page.getByRole("heading", { name: "비용이 나온 API 키" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "비용 수집" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "팀 보기" })).toHaveCount(0);
});

test.describe("with a finger", () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 800 } });
  test("a tap shows a day and a narrow page names its period", async ({ page }) => {
    await open(page, "/");
    const chart = page.getByRole("slider", { name: "비용 추이" });
    await expect(page.getByText("합계 · 10. 24. – 11. 22.")).toBeVisible();
    await chart.tap();
    await expect(page.locator(".chart-tip")).toBeVisible();
    await page.getByRole("heading", { level: 1 }).tap();
    await expect(page.getByText("날짜를 누르면 그날 비용을 볼 수 있어요.")).toBeVisible();
  });
});

test("a project is made and leads to its Project ID", async ({ page }) => {
  await open(page, "/projects?new=project");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "취소" }).click();
  await expect(page).toHaveURL("/projects");
  await page.getByRole("button", { name: "프로젝트 만들기" }).click();
  await dialog.getByRole("button", { name: "프로젝트 만들기" }).click();
  await expect(dialog.getByText("입력해 주세요.")).toBeVisible();
  await dialog.getByLabel("프로젝트 이름").fill("chatbot-experiment");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("이미 쓰고 있는 이름이에요.")).toBeVisible();
  await dialog.getByLabel("프로젝트 이름").fill("voice-bot");
  await dialog.getByLabel("팀").selectOption(TEAMS[1].id);
  await dialog.getByLabel("프로젝트 이름").press("Enter");
  await expect(page).toHaveURL(/\/projects\/.*\?tab=keys/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("voice-bot");
});

test("a reader makes no projects and changes none", async ({ page }) => {
  await open(page, "/projects", { "POST /auth/refresh": session(reader) });
  await expect(page.getByRole("table")).toBeVisible();
  await expect(page.getByRole("button", { name: "프로젝트 만들기" })).toHaveCount(0);
  await page.goto(`/projects/${NEW_IDEA.id}?tab=keys`);
  await expect(page.getByText("아직 Project ID가 없어요")).toBeVisible();
  await expect(page.getByRole("tab", { name: "설정" })).toHaveCount(0);
});

test("a Project ID is refused with a reason, picked, registered and disconnected", async ({ page }) => {
  await open(page, `/projects/${NEW_IDEA.id}?tab=keys`);
  const field = page.getByLabel("Project ID", { exact: true });
  const register = page.getByRole("button", { name: "등록", exact: true });
  for (const [typed, said] of [
    ["", "입력해 주세요."],
    ["abc", "Project ID는 proj_abc123 같은 형식이에요."],
    ["proj_unreachable", "팀의 Admin 키로 접근할 수 없는 Project ID예요."],
    [CHATBOT.openaiProjectId, "다른 프로젝트가 이미 쓰고 있는 Project ID예요."],
  ]) {
    await field.fill(typed);
    await register.click();
    await expect(page.getByText(said)).toBeVisible();
    await expect(field).toHaveAttribute("aria-invalid", "true");
  }
  await field.fill("proj_nokey");
  await register.click();
  await expect(page.getByText("팀에 사용 중인 Admin 키가 없어요.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Admin 키 등록하기" })).toHaveAttribute("href", `/teams/${NEW_IDEA.teamId}`);
  await field.fill("proj_down");
  await register.click();
  await expect(page.getByText("지금 공급자가 응답하지 않아요.")).toBeVisible();

  await page.getByRole("listitem").filter({ hasText: "New idea" }).getByRole("button", { name: "고르기" }).click();
  await expect(field).toHaveValue("proj_newideaQ7");
  await register.click();
  await expect(page.getByText("Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다.")).toBeVisible();
  await expect(page.getByText("proj_newideaQ7")).toBeVisible();

  await page.getByRole("button", { name: "연결 해제" }).click();
  const dialog = page.getByRole("alertdialog");
  await expect(dialog).toContainText("이 프로젝트의 비용 수집만 멈춰요.");
  await expect(dialog.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await dialog.getByRole("button", { name: "연결 해제" }).click();
  await expect(page.getByText("Project ID 연결을 해제했어요")).toBeVisible();
  await expect(field).toBeVisible();
});

test("people are added to a project and removed from it", async ({ page }) => {
  await open(page, `/projects/${CHATBOT.id}?tab=members`);
  await page.getByRole("combobox", { name: "구성원" }).selectOption(PEOPLE[2].userId);
  await page.getByRole("button", { name: "추가", exact: true }).click();
  await expect(page.getByRole("row").filter({ hasText: PEOPLE[2].email })).toBeVisible();
  await page.getByRole("button", { name: `${PEOPLE[2].name}님 빼기` }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "빼기", exact: true }).click();
  await expect(page.getByRole("row").filter({ hasText: PEOPLE[2].email })).toHaveCount(0);
});

test("a project is renamed and deleted", async ({ page }) => {
  await open(page, `/projects/${NEW_IDEA.id}?tab=settings`);
  const name = page.getByLabel("프로젝트 이름");
  await name.fill("better-idea");
  await page.getByRole("button", { name: "저장" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("better-idea");
  await page.getByRole("button", { name: "프로젝트 삭제" }).click();
  const dialog = page.getByRole("alertdialog");
  await expect(dialog).toContainText("지금까지의 비용과 프로젝트 이름은 기록에 그대로 남아요.");
  await dialog.getByRole("button", { name: "삭제", exact: true }).click();
  await expect(page).toHaveURL("/projects");
  await expect(page.getByRole("link", { name: "better-idea" })).toHaveCount(0);
});

test("what does not exist looks like what may not be seen", async ({ page }) => {
  await open(page, "/projects/01936f00-0000-7000-8000-00000000dead");
  await expect(page.getByText("찾을 수 없어요").first()).toBeVisible();
});

test("costs are cut, narrowed and looked into, and the URL says how", async ({ page }) => {
  await open(page, "/explore");
  await page.getByRole("button", { name: "모델", exact: true }).click();
  await expect(page).toHaveURL(/groupBy=project%2Cmodel/);
  await page.getByRole("button", { name: "프로젝트", exact: true }).first().click();
  await expect(page).toHaveURL(/groupBy=model/);
  await page.getByRole("table").getByRole("link", { name: "gpt-5.4-2026-03-05" }).click();
  await expect(page).toHaveURL(/model=gpt-5\.4-2026-03-05/);
  await expect(page.getByLabel("모델", { exact: true })).toHaveValue("gpt-5.4-2026-03-05");
  const address = page.url();
  await page.reload();
  await expect(page.getByRole("table").getByRole("link", { name: "chatbot-experiment" })).toBeVisible();
  expect(page.url()).toBe(address);
});

test("one ledger alone is asked, and its days are its own", async ({ page }) => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/costs/query") && asked.push(new URL(request.url()).searchParams));
  await open(page, "/explore", {
    "GET /costs/query": (request) => {
      const params = new URL(request.url()).searchParams;
      return json({ ...query(params), dayZone: params.get("basis") === "events" ? "Asia/Seoul" : "UTC" });
    },
  });
  const ledger = page.getByLabel("비용 근거");
  await expect(ledger.getByRole("option")).toHaveText(["모든 근거 (확정 우선)", "청구", "사용량 추정", "이벤트 추정"]);
  await expect(page.getByRole("table").first()).toBeVisible();
  expect(asked.every((params) => !params.has("basis"))).toBe(true);
  await ledger.selectOption("events");
  await expect(page).toHaveURL(/basis=events/);
  await expect(page.getByText("하루는 Asia/Seoul 기준이에요.")).toBeVisible();
  await expect.poll(() => asked.filter((params) => params.get("basis") === "events").map((params) => params.get("groupBy")).sort()).toEqual(["project", "project,day"]);
  // It goes along with what is looked into, and is gone with the filters.
  await page.getByRole("link", { name: "chatbot-experiment", exact: true }).click();
  await expect(page).toHaveURL(/basis=events/);
  await expect(ledger).toHaveValue("events");
  await page.getByRole("button", { name: "필터 지우기" }).first().click();
  await expect(page).not.toHaveURL(/basis/);
  // What is no ledger is not asked for.
  await page.goto("/explore?basis=mixed");
  await expect(page.getByRole("table").first()).toBeVisible();
  expect(asked.every((params) => params.get("basis") !== "mixed")).toBe(true);
});

test("the table is saved as CSV that runs nothing", async ({ page }) => {
  const evil = (request) => {
    const row = (name, cost) => ({
      dimensions: { project: { id: CHATBOT.id, name } }, cost, currency: "USD", basis: "billed", state: "billed", settlement: "settled",
    });
    const day = new URL(request.url()).searchParams.get("groupBy").includes("day");
    const data = [row("=cmd|' /C calc'!A0", "12.345678"), { ...row("credit, \"old\"", "-1.500000"), dimensions: { project: null } }];
    if (day) for (const one of data) one.dimensions.day = "2026-11-20";
    return json({
      data, nextCursor: null, totals: [{ cost: "10.845678", unattributed: "-1.500000", currency: "USD" }], basis: "billed",
      from: "2026-11-01", to: TODAY, dayZone: "UTC", freshness: { collectedAt: "2026-11-23T03:00:00Z", settledBefore: null, staleTeams: [] },
    });
  };
  await open(page, "/explore", { "GET /costs/query": evil });
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV 내보내기" }).click();
  const file = readFileSync(await (await download).path());
  expect([...file.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  expect(file.subarray(3).toString().split("\r\n")).toEqual([
    "프로젝트,비용,통화,확정 여부", "'=cmd|' /C calc'!A0,12.345678,USD,확정", "프로젝트 미지정,-1.500000,USD,확정", "",
  ]);
});

test("English leaves nothing untranslated", async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
  const plain = structuredClone([CHATBOT, NEW_IDEA]).map((p) => ({ ...p, teamName: "Platform", description: null }));
  const english = (value) => JSON.parse(JSON.stringify(value).replaceAll(/[가-힣]+( [가-힣]+)*/g, "Name"));
  const answers = Object.fromEntries(Object.entries(costs()).map(([key, answer]) => [key, async (request) => {
    const made = typeof answer === "function" ? await answer(request) : json(answer);
    return made.body ? { ...made, body: JSON.stringify(english(JSON.parse(made.body))) } : made;
  }]));
  const user = english(ME);
  await freeze(page);
  await mock(page, { ...answers, "POST /auth/refresh": session(user) });
  await page.addInitScript(() => localStorage.setItem("finops.session", "1"));
  for (const path of ["/", "/projects", `/projects/${plain[0].id}`, `/projects/${plain[1].id}?tab=keys`, `/projects/${plain[0].id}?tab=members`, `/projects/${plain[0].id}?tab=settings`, `/projects/${plain[0].id}?tab=value`, `/projects/${plain[1].id}?tab=value`, "/explore"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
    expect(await page.locator("body").innerText(), path).not.toMatch(/[가-힣]/);
  }
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1440]) {
    test(`pages about costs are accessible in ${colorScheme} at ${width}`, async ({ page }) => {
      test.setTimeout(180_000);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      await freeze(page);
      await signIn(page, costs());
      for (const path of [
        "/", "/projects", "/explore", "/explore?groupBy=model,day", `/projects/${CHATBOT.id}`, `/projects/${CHATBOT.id}?tab=keys`,
        `/projects/${NEW_IDEA.id}?tab=keys`, `/projects/${CHATBOT.id}?tab=members`, `/projects/${CHATBOT.id}?tab=settings`,
        `/projects/${CHATBOT.id}?tab=value`, `/projects/${PROJECTS[1].id}?tab=value`, `/projects/${NEW_IDEA.id}?tab=value`,
      ]) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)]), path).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      }
    });
  }
}
