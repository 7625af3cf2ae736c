import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { CHATBOT, enter, KEY, MARKETING } from "./admin.mock.mjs";
import { RUNAWAY } from "./alerts.mock.mjs";
import { ACTIVE, block, blocked, BOT, calm, LIFTED, LIFTING, stop, WAITING } from "./blocks.mock.mjs";
import { LIMIT } from "./budgets.mock.mjs";
import { ME, ORGANIZATION, problem } from "./mock.mjs";
import { fixNow } from "./prices.mock.mjs";

const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);
const row = (page, text) => page.getByRole("row").filter({ hasText: text });
const banner = (page) => page.getByRole("region", { name: "긴급 차단" });
const ask = (page) => page.getByRole("alertdialog");
const sent = (asked, line) => asked.filter((one) => one.line === line).map(({ body }) => body);
const settled = async (page) => {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
};
/** Somebody whose organization wants two persons for a block. */
const CAREFUL = { ...ME, organization: { ...ORGANIZATION, twoPersonBlocks: true } };

// What the browser complained of; a refused request alone is no complaint.
let complaints;
test.beforeEach(async ({ page }) => {
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && complaints.push(message.text()));
  await fixNow(page, "2026-11-24T09:00:00Z");
});
test.afterEach(() => expect(complaints).toEqual([]));

test("an alert leads to the question; two clicks stop a project, and a third lifts it", async ({ page }) => {
  const asked = await enter(page, calm());
  await page.goto("/alerts");
  await page.getByRole("link", { name: "지금 차단하기" }).click();
  const dialog = ask(page);
  await expect(dialog.getByRole("heading")).toHaveText("‘프로젝트 chatbot-experiment’의 호출을 멈출까요?");
  await expect(dialog.locator(".banner").first()).toHaveText("차단하면 3개 서비스가 응답을 받지 못해요chatbot, tutor-svc, batch-summaries");
  await expect(dialog.locator(".consequences").first().getByRole("listitem")).toHaveText([
    "최근 24시간 동안 45,000건을 호출했고 $742.00 USD를 썼어요.", "API 키 1개는 호출해도 되는지 물으면 거절해요.",
    "OpenAI에서도 멈춰요: proj_abc123 (월 지출 한도 1센트). 풀면 되돌려요.", "관련된 사람: 김지우, 박서준", "언제든 풀 수 있어요: 김지우",
  ]);
  await expect(dialog.getByText("차단해도 계속되는 것")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await expect(dialog.getByLabel("이유")).toHaveValue("[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)");
  await dialog.getByRole("button", { name: "차단하기" }).click();
  await expect(toast(page, "차단했어요: 프로젝트 chatbot-experiment")).toBeVisible();
  await expect(page).toHaveURL("/blocks");
  expect(sent(asked, "POST /blocks")).toEqual([{
    target: { type: "project", id: CHATBOT }, reason: "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)", mode: "stop", alertId: RUNAWAY, atProvider: true,
  }]);
  await expect(banner(page)).toContainText("프로젝트 chatbot-experiment 차단 중이에요");
  await expect(banner(page)).toContainText("OpenAI에서 멈추는 중");
  // What is stopped is not offered again.
  await page.goto("/alerts");
  await expect(row(page, "일일 한도")).toContainText("차단 중");
  await expect(page.getByRole("link", { name: "지금 차단하기" })).toHaveCount(0);
  await page.goto(`/alerts/${RUNAWAY}`);
  await page.getByRole("link", { name: "차단 보기" }).click();
  await expect(page).toHaveURL("/blocks?status=active");
  await banner(page).getByRole("button", { name: "차단 풀기" }).click();
  const lift = page.getByRole("dialog", { name: "‘프로젝트 chatbot-experiment’ 차단을 풀까요?" });
  await lift.getByLabel("이유").fill(" ");
  await lift.getByRole("button", { name: "차단 풀기" }).click();
  await expect(lift.getByLabel("이유")).toHaveAttribute("aria-invalid", "true");
  await lift.getByLabel("이유").fill("반복 호출을 고쳤어요.");
  await lift.getByRole("button", { name: "차단 풀기" }).click();
  await expect(toast(page, "차단을 풀었어요: 프로젝트 chatbot-experiment")).toBeVisible();
  await expect(banner(page)).toHaveCount(0);
  expect(asked.filter(({ line }) => line.endsWith("/lift")).map(({ body }) => body)).toEqual([{ reason: "반복 호출을 고쳤어요." }]);
});

test("leaving it as it is goes back to where it came from, and changes nothing", async ({ page }) => {
  const asked = await enter(page, calm());
  await page.goto(`/block/project:${CHATBOT}?alert=${RUNAWAY}`);
  await expect(ask(page).getByRole("button", { name: "차단하기" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/alerts/${RUNAWAY}`);
  await page.goto(`/block/project:${CHATBOT}`);
  await expect(ask(page).getByRole("button", { name: "차단하기" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(`/projects/${CHATBOT}`);
  await page.goto(`/block/admin_key:${KEY}`);
  await expect(ask(page).getByRole("button", { name: "차단하기" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(`/teams/${MARKETING}`);
  expect(sent(asked, "POST /blocks")).toEqual([]);
});

test("the provider is left out without losing what was typed, or the focus", async ({ page }) => {
  const asked = await enter(page, calm());
  await page.goto(`/block/project:${CHATBOT}`);
  const dialog = ask(page);
  await dialog.getByLabel("이유").fill("제가 직접 확인해 볼게요.");
  const choice = dialog.getByRole("checkbox", { name: "OpenAI에서도 멈추기" });
  await expect(choice).toBeChecked();
  await choice.focus();
  await page.keyboard.press("Space");
  await expect(dialog.getByText("OpenAI에서도 멈춰요:")).toHaveCount(0);
  await expect(choice).toBeFocused();
  await expect(choice).not.toBeChecked();
  await expect(dialog.getByLabel("이유")).toHaveValue("제가 직접 확인해 볼게요.");
  await dialog.getByRole("button", { name: "차단하기" }).click();
  await expect(page).toHaveURL("/blocks");
  expect(sent(asked, "POST /blocks")[0]).toMatchObject({ atProvider: false, reason: "제가 직접 확인해 볼게요." });
});

test("calls can be slowed down instead, to so many a minute", async ({ page }) => {
  const asked = await enter(page, calm());
  await page.goto(`/block/project:${CHATBOT}`);
  const dialog = ask(page);
  await dialog.getByRole("radio", { name: "호출 수 제한" }).click();
  await expect(dialog.getByLabel("이유")).toHaveValue("비용이 급증해서 먼저 늦춰요.");
  await dialog.getByRole("radio", { name: "모든 호출 중지" }).click();
  await expect(dialog.getByLabel("이유")).toHaveValue("비용이 급증해서 먼저 멈춰요.");
  await dialog.getByLabel("이유").fill("먼저 늦추고 지켜봐요.");
  await dialog.getByRole("radio", { name: "호출 수 제한" }).click();
  await expect(dialog.getByRole("heading")).toHaveText("‘프로젝트 chatbot-experiment’의 호출을 늦출까요?");
  await expect(dialog).toContainText("정한 수를 넘는 호출은 다음 1분까지 거절해요");
  await expect(dialog).toContainText("API 키 1개는 호출해도 되는지 물으면 정한 수까지만 허용해요.");
  // The provider knows no throttle.
  await expect(dialog.getByRole("checkbox")).toHaveCount(0);
  await expect(dialog).not.toContainText("OpenAI에서도 멈춰요:");
  await expect(dialog.getByRole("radio", { name: "호출 수 제한" })).toBeFocused();
  await expect(dialog.getByLabel("이유")).toHaveValue("먼저 늦추고 지켜봐요.");
  const limit = dialog.getByLabel("1분에 허용할 호출 수");
  await expect(limit).toHaveValue("60");
  await limit.fill("0");
  await dialog.getByRole("button", { name: "호출 수 제한하기" }).click();
  await expect(limit).toHaveAttribute("aria-invalid", "true");
  expect(sent(asked, "POST /blocks")).toEqual([]);
  // Going back to a stop is as it was.
  await dialog.getByRole("radio", { name: "모든 호출 중지" }).click();
  await expect(dialog.getByRole("checkbox", { name: "OpenAI에서도 멈추기" })).toBeChecked();
  await expect(limit).toHaveCount(0);
  await dialog.getByRole("radio", { name: "호출 수 제한" }).click();
  await limit.fill("1,200");
  await dialog.getByRole("button", { name: "호출 수 제한하기" }).click();
  await expect(toast(page, "호출 수를 제한했어요: 프로젝트 chatbot-experiment")).toBeVisible();
  expect(sent(asked, "POST /blocks")).toEqual([{ target: { type: "project", id: CHATBOT }, reason: "먼저 늦추고 지켜봐요.", mode: "throttle", limitPerMinute: 1200 }]);
  await expect(banner(page)).toContainText("프로젝트 chatbot-experiment · 1분에 1,200번까지만 허용");
});

test("what is slowed down can still be stopped, and nothing else", async ({ page }) => {
  const setup = blocked();
  setup.world.blocks = [block(ACTIVE, "project", { mode: "throttle", limitPerMinute: 60 })];
  setup.world.preview = { blockId: ACTIVE };
  const asked = await enter(page, setup);
  await page.goto(`/block/project:${CHATBOT}`);
  const dialog = ask(page);
  await expect(dialog.getByRole("button", { name: "차단하기" })).toBeVisible();
  await dialog.getByRole("radio", { name: "호출 수 제한" }).click();
  await expect(dialog).toContainText("이미 차단했거나 승인을 기다리고 있어요.");
  await expect(dialog.getByRole("button", { name: "호출 수 제한하기" })).toHaveCount(0);
  await expect(dialog.getByRole("radio", { name: "호출 수 제한" })).toBeFocused();
  await dialog.getByRole("radio", { name: "모든 호출 중지" }).click();
  await dialog.getByRole("button", { name: "차단하기" }).click();
  await expect(page).toHaveURL("/blocks");
  expect(sent(asked, "POST /blocks")[0]).toMatchObject({ mode: "stop", atProvider: true });
  // A stop gives way to nothing.
  setup.world.blocks = [block(ACTIVE, "project")];
  await page.goto(`/block/project:${CHATBOT}`);
  await expect(dialog).toContainText("이미 차단했거나 승인을 기다리고 있어요.");
  await expect(dialog.getByRole("button", { name: "차단하기" })).toHaveCount(0);
  await expect(dialog.getByRole("radio")).toHaveCount(0);
});

test("who runs the organization sees what a call would be told now", async ({ page }) => {
  const budget = (name, more) => ({
    id: LIMIT, kind: "budget", name, scopeType: "project", enforcement: "hard", period: "monthly", periodEndsAt: "2026-11-30T15:00:00Z", amount: "1000.000000", spent: "742.100000",
    reserved: "0.000000", remaining: "257.900000", percent: "74.21", currency: "USD", ...more,
  });
  const asOf = "2026-11-24T09:00:00Z";
  const refused = (status, code, more) => ({ ...problem(status, code), body: JSON.stringify({ ...JSON.parse(problem(status, code).body), asOf, ...more }) });
  const stopped = { id: ACTIVE, targetType: "project", cause: "manual", since: "2026-11-24T08:58:00Z", limitPerMinute: null };
  let answer = { budgets: [], warnings: [], asOf, degraded: false, reservationId: null, expiresAt: null };
  const asked = await enter(page, { ...calm(), answers: [["POST /guard/check", () => answer], ...calm().answers] });
  await page.goto(`/projects/${CHATBOT}?tab=settings`);
  const panel = page.getByRole("region", { name: "지금 호출하면" });
  const ask = panel.getByRole("button", { name: "확인하기" });
  await expect(ask).toBeVisible();
  // A check takes one of a throttle's calls: nobody asks unasked.
  expect(sent(asked, "POST /guard/check")).toEqual([]);
  await ask.click();
  await expect(panel).toContainText("호출할 수 있어요");
  await expect(panel).toContainText("호출을 막을 수 있는 예산이나 비용 한도가 없어요.");
  expect(sent(asked, "POST /guard/check")).toEqual([{ projectId: CHATBOT, reserve: false }]);
  answer = { ...answer, budgets: [budget("월 예산")], warnings: [budget("분기 예산", { enforcement: "soft", remaining: "-5.000000", percent: "100.5" })] };
  await ask.click();
  await expect(panel.getByRole("listitem")).toHaveText(["월 예산 $1,000.00 USD 중 $257.90 USD 남음 · 74% 사용", "분기 예산 $1,000.00 USD 중 −$5.00 USD 남음 · 100% 사용 (다 썼지만 알리기만 해요)"]);
  answer = refused(503, "budget_exceeded", { budget: budget("월 예산", { spent: "1000.000000", remaining: "0.000000", percent: "100" }), periodEndsAt: "2026-11-30T15:00:00Z" });
  await ask.click();
  await expect(panel).toContainText("거절해요");
  await expect(panel.getByRole("link", { name: "월 예산" })).toHaveAttribute("href", `/budgets/${LIMIT}`);
  await expect(panel).toContainText("2026. 12. 1. 00:00에 새 기간이 시작돼요.");
  answer = refused(403, "blocked", { block: stopped });
  await ask.click();
  await expect(panel).toContainText("2026. 11. 24. 17:58부터");
  await expect(panel.getByRole("link", { name: "자세히" })).toHaveAttribute("href", `/blocks?block=${ACTIVE}`);
  answer = refused(429, "throttled", { block: { ...stopped, limitPerMinute: 60 } });
  await ask.click();
  await expect(panel).toContainText("1분에 60번까지만 허용 · 2026. 11. 24. 17:58부터");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
  answer = problem(500, "internal");
  await ask.click();
  await expect(panel.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
});

test("an answer to an earlier question says nothing any more", async ({ page }) => {
  const setup = calm();
  const answer = setup.answers.find(([line]) => line === "POST /blocks/preview")[1];
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const asked = await enter(page, setup, {
    "POST /blocks/preview": async (request) => {
      if (request.body.atProvider === false) await held;
      return answer(request);
    },
  });
  await page.goto(`/block/project:${CHATBOT}`);
  const dialog = ask(page);
  const choice = dialog.getByRole("checkbox", { name: "OpenAI에서도 멈추기" });
  await choice.click();
  // Nobody agrees to what they have not seen.
  await expect(dialog.locator(".dialog-foot button").last()).toHaveAttribute("aria-busy", "true");
  await choice.click();
  await expect(dialog.getByRole("button", { name: "차단하기" })).toBeVisible();
  release();
  await expect.poll(() => asked.filter(({ line }) => line === "POST /blocks/preview").length).toBe(3);
  await expect(dialog.getByText("OpenAI에서도 멈춰요:")).toBeVisible();
  await dialog.getByRole("button", { name: "차단하기" }).click();
  await expect(page).toHaveURL("/blocks");
  expect(sent(asked, "POST /blocks")[0]).toMatchObject({ atProvider: true });
});

test("an Admin key and an API key say what else would stop", async ({ page }) => {
  await enter(page, calm());
  await page.goto(`/block/admin_key:${KEY}`);
  await expect(ask(page).getByRole("heading")).toHaveText("‘Admin 키 sk-admin-…abc1’의 호출을 멈출까요?");
  await expect(ask(page)).toContainText("차단하면 4개 서비스가 응답을 받지 못해요");
  await expect(ask(page)).toContainText("proj_abc123, proj_2k9QdLx7HaYv");
  await page.goto(`/block/api_key:${BOT}`);
  await expect(ask(page).getByRole("heading")).toHaveText("‘API 키 챗봇 SDK’의 호출을 멈출까요?");
  await expect(ask(page)).toContainText("이 키로 보낸 요청을 모두 거절해요.");
  // What has no price makes the sum the least that it was.
  await expect(ask(page)).toContainText("최소 $690.00 USD를 썼어요.");
  await expect(ask(page).getByRole("checkbox")).toHaveCount(0);
  for (const nothing of ["team:1", "project:x"]) {
    await page.goto(`/block/${nothing}`);
    await expect(page.getByText("찾을 수 없어요")).toBeVisible();
    await expect(ask(page)).toHaveCount(0);
  }
});

test("what must not or cannot be stopped is not offered", async ({ page }) => {
  const setup = calm();
  await enter(page, setup);
  setup.world.preview = { mayBlock: false };
  await page.goto(`/block/project:${CHATBOT}`);
  await expect(ask(page)).toContainText("차단은 조직 관리자가 할 수 있어요.");
  await expect(ask(page).getByRole("button")).toHaveText(["그대로 두기"]);
  await expect(ask(page).getByLabel("이유")).toHaveCount(0);
  setup.world.preview = { blockId: ACTIVE };
  await page.goto(`/block/project:${CHATBOT}`);
  await expect(ask(page)).toContainText("이미 차단했거나 승인을 기다리고 있어요.");
  await expect(ask(page).getByRole("link", { name: "자세히" })).toHaveAttribute("href", `/blocks?block=${ACTIVE}`);
  await expect(ask(page).getByRole("button")).toHaveText(["그대로 두기"]);
});

test("a failure is told in the dialog, which stays and can be tried again", async ({ page }) => {
  let [unknown, refused] = [true, true];
  const setup = calm();
  const [looks, makes] = ["POST /blocks/preview", "POST /blocks"].map((line) => setup.answers.find(([known]) => known === line)[1]);
  await enter(page, setup, {
    "POST /blocks/preview": (request) => (unknown ? problem(503, "unavailable") : looks(request)),
    "POST /blocks": (request) => (refused ? problem(503, "unavailable") : makes(request)),
  });
  await page.goto(`/block/project:${CHATBOT}`);
  await expect(ask(page).getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  await expect(ask(page).getByRole("button", { name: "차단하기" })).toHaveCount(0);
  unknown = false;
  await ask(page).getByRole("button", { name: "다시 시도하기" }).click();
  await ask(page).getByRole("button", { name: "차단하기" }).click();
  await expect(ask(page).locator("[aria-live=assertive] .banner")).toBeVisible();
  refused = false;
  await ask(page).getByRole("button", { name: "차단하기" }).click();
  await expect(banner(page)).toContainText("차단 중이에요");
});

test("with two persons it is asked for, and whoever may approve it is told on every page", async ({ page }) => {
  const setup = calm();
  setup.world.preview = { needsApproval: true };
  const asked = await enter(page, setup, {}, CAREFUL);
  await page.goto(`/block/project:${CHATBOT}`);
  await expect(ask(page)).toContainText("다른 관리자 한 명이 승인해야 차단돼요.");
  await ask(page).getByRole("button", { name: "차단 요청하기" }).click();
  await expect(toast(page, "승인을 요청했어요: 프로젝트 chatbot-experiment")).toBeVisible();
  await expect(row(page, "chatbot-experiment")).toContainText("승인 대기");
  // Whoever asked cannot approve: nothing is asked of them.
  await expect(banner(page)).toHaveCount(0);
  setup.world.blocks = [block(WAITING, "admin_key", { status: "requested", activatedAt: null, mayApprove: true, mayLift: false, reason: "키가 유출된 것 같아요." })];
  await page.goto("/projects");
  await expect(banner(page)).toContainText("Admin 키 sk-admin-…abc1 차단이 승인을 기다려요");
  await banner(page).getByRole("button", { name: "차단 승인" }).click();
  const confirm = ask(page);
  await expect(confirm).toContainText("김지우: 키가 유출된 것 같아요.");
  await expect(confirm.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await confirm.getByRole("button", { name: "차단하기" }).click();
  await expect(toast(page, "차단했어요: Admin 키 sk-admin-…abc1")).toBeVisible();
  await expect(banner(page)).toContainText("Admin 키 sk-admin-…abc1 차단 중이에요");
  expect(sent(asked, `POST /blocks/${WAITING}/approve`)).toEqual([{ question: "block" }]);
});

test("blocks are listed with who, why and how they ended", async ({ page }) => {
  const asked = await enter(page, blocked());
  await page.goto("/blocks");
  const cells = (n) => page.locator("tbody tr").nth(n).getByRole("cell");
  await expect(cells(0)).toHaveText(["프로젝트 chatbot-experiment마케팅팀", "차단 중OpenAI에서도 멈춤", "끝나지 않는 반복 호출로 보여요.김지우", "2분 전", /차단 풀기/]);
  await expect(cells(1)).toHaveText(["Admin 키 sk-admin-…abc1마케팅팀", "승인 대기", "키가 유출된 것 같아요.박서준", "20분 전", /거절.*차단 승인/]);
  await expect(cells(2)).toHaveText(["API 키 챗봇 SDK마케팅팀", "차단 중1분에 60번까지만 허용해제 승인 대기", "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)예산 기준 (자동)", "어제", /거절.*해제 승인/]);
  await expect(cells(3)).toHaveText(["프로젝트 chatbot-experiment마케팅팀", "풀림OpenAI 한도 되돌림", "끝나지 않는 반복 호출로 보여요.김지우", "14일 전", "박서준 · 13일 전"]);
  await expect(cells(4)).toHaveText(["프로젝트 그만둔 실험 (삭제됨)", "풀림", "끝나지 않는 반복 호출로 보여요.탈퇴한 사람", "지난달", "지난달"]);
  await page.getByLabel("대상").selectOption("admin_key");
  await expect(page).toHaveURL("/blocks?targetType=admin_key");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByLabel("상태").selectOption("lifted");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  expect(asked.findLast(({ line, query }) => line === "GET /blocks" && query.includes("targetType")).query).toBe("status=lifted&targetType=admin_key");
  await page.getByRole("button", { name: "필터 지우기" }).first().click();
  await expect(page.locator("tbody tr")).toHaveCount(6);
});

test("one block tells everything that happened to it, and is decided about there", async ({ page }) => {
  const asked = await enter(page, blocked());
  await page.goto("/blocks");
  await page.getByRole("link", { name: "API 키 챗봇 SDK" }).first().click();
  await expect(page).toHaveURL(`/blocks?block=${LIFTING}`);
  const drawer = page.getByRole("dialog", { name: "긴급 차단" });
  await expect(drawer).toContainText("다른 관리자가 승인하면 풀려요. 그때까지 차단은 계속돼요.박서준: 반복 호출을 고쳤어요.");
  await expect(drawer.getByRole("listitem")).toHaveText([/^해제를 요청했어요박서준/, /^차단했어요시스템/]);
  await drawer.getByRole("button", { name: "거절" }).click();
  const decline = page.getByRole("dialog", { name: "‘API 키 챗봇 SDK’ 요청을 거절할까요?" });
  await decline.getByRole("button", { name: "거절" }).click();
  await expect(drawer.getByRole("button", { name: "차단 풀기" })).toBeVisible();
  expect(sent(asked, `POST /blocks/${LIFTING}/decline`)).toEqual([{ question: "lift", reason: "지금은 필요하지 않아요." }]);
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL("/blocks");
  await page.goto(`/blocks?block=${LIFTED}`);
  await expect(drawer).toContainText("Project ID를 되돌렸고, 그동안의 비용도 이 프로젝트에 반영해요.");
  await expect(drawer).toContainText("그 사이 누군가 바꾼 한도 2개는 그대로 뒀어요.");
  await page.goto("/blocks?block=01936f00-0000-7000-8000-00000000dead");
  await expect(drawer.getByText("찾을 수 없어요")).toBeVisible();
});

test("a provider that refuses is shown, with why and that it is tried again", async ({ page }) => {
  const setup = calm();
  setup.world.blocks = [block(ACTIVE, "project", { atProvider: true, provider: [stop({ state: "failed", means: null, errorCode: "unauthorized", error: "OpenAI가 Admin 키를 거부했어요.", failures: 3 })] })];
  await enter(page, setup);
  await page.goto(`/blocks?block=${ACTIVE}`);
  await expect(page.getByRole("dialog")).toContainText("OpenAI가 Admin 키를 거부했어요. 3번 실패했고, 될 때까지 다시 시도해요.");
  await page.keyboard.press("Escape");
  await expect(banner(page)).toContainText("OpenAI에 적용 못 함");
});

test("the banner is there where the reader is, and goes beyond two in one line", async ({ page }) => {
  const setup = calm();
  const long = "사유가 길어요. ".repeat(60);
  setup.world.blocks = Array.from({ length: 5 }, (_, n) => block(`01936f00-0000-7000-8000-00000000d0a${n}`, "project", { reason: long }));
  await enter(page, setup);
  for (const path of ["/", "/projects", "/settings"]) {
    await page.goto(path);
    await expect(banner(page).locator(".banner")).toHaveCount(2);
    await expect(banner(page).getByRole("link", { name: "차단 3건 더 보기" })).toHaveAttribute("href", "/blocks");
    // A reason of a thousand letters takes a line.
    expect((await banner(page).boundingBox()).height).toBeLessThan(220);
  }
});

test("who may not lift is told, and offered nothing", async ({ page }) => {
  const setup = calm();
  setup.world.blocks = [block(ACTIVE, "project", { mayLift: false })];
  await enter(page, setup, {}, { ...ME, role: "user" });
  await page.goto("/projects");
  await expect(banner(page)).toContainText("프로젝트 chatbot-experiment 차단 중이에요");
  await expect(banner(page).getByRole("button")).toHaveCount(0);
  await expect(banner(page).getByRole("link", { name: "자세히" })).toHaveAttribute("href", `/blocks?block=${ACTIVE}`);
});

test("home puts what is critical first, and the way to stop it, unless it is stopped", async ({ page }) => {
  const setup = calm();
  await enter(page, setup);
  await page.goto("/");
  const todo = page.getByRole("region", { name: "지금 할 일" }).getByRole("link").first();
  await expect(todo).toContainText("지금 차단하기[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)$742.00 USD");
  await expect(todo).toHaveAttribute("href", `/block/project:${CHATBOT}?alert=${RUNAWAY}`);
  setup.world.blocks = [block(ACTIVE, "project")];
  await page.goto("/");
  await expect(banner(page)).toBeVisible();
  await expect(todo).toHaveAttribute("href", `/alerts/${RUNAWAY}`);
});

test("a team allows stops at the provider, and an organization wants two persons; a refusal is not shown as done", async ({ page }) => {
  let refused = true;
  const setup = calm();
  const answer = setup.answers.find(([line]) => line === "PATCH /teams/:team")[1];
  const asked = await enter(page, setup, { "PATCH /teams/:team": (request) => (refused ? problem(503, "unavailable") : answer(request)) });
  await page.goto(`/teams/${MARKETING}?tab=settings`);
  const allows = page.getByRole("switch", { name: "긴급 차단을 OpenAI에도 적용" });
  await allows.click();
  await expect(page.locator(".toast[data-tone=danger]")).toBeVisible();
  await expect(allows).not.toBeChecked();
  refused = false;
  await allows.click();
  await expect(allows).toBeChecked();
  expect(sent(asked, `PATCH /teams/${MARKETING}`).at(-1)).toEqual({ allowProviderStops: true });
  await page.goto("/settings?tab=organization");
  await page.getByRole("checkbox", { name: /두 사람/ }).check();
  await page.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "저장했어요")).toBeVisible();
  expect(sent(asked, "PATCH /organization")).toEqual([{ twoPersonBlocks: true }]);
});

test("nothing blocked says where a block begins, and a failure says so", async ({ page }) => {
  let failing = true;
  const setup = calm();
  const answer = setup.answers.find(([line]) => line === "GET /blocks")[1];
  await enter(page, setup, { "GET /blocks": (asked) => (failing ? problem(500, "internal") : answer(asked)) });
  await page.goto("/blocks");
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  failing = false;
  await page.getByRole("alert").getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByText("차단한 적이 없어요")).toBeVisible();
});

const PAGES = [
  ["/blocks", blocked], [`/blocks?block=${ACTIVE}`, blocked], [`/blocks?block=${LIFTING}`, blocked], [`/block/project:${CHATBOT}?alert=${RUNAWAY}`, calm],
  [`/block/admin_key:${KEY}`, calm], [`/block/api_key:${BOT}`, calm], ["/", blocked], [`/teams/${MARKETING}?tab=settings`, calm],
];

for (const [path, world] of PAGES) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await enter(page, world());
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await settled(page);
        if (/block=/.test(path)) await expect(page.getByRole("dialog")).toBeVisible();
        if (path.startsWith("/block/")) await expect(ask(page).getByRole("button", { name: "차단하기" })).toBeVisible();
        if (world === blocked) await expect(page.locator("main .banner").first()).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = world();
    // Whatever is still Korean then comes from the app.
    const ascii = (value) => JSON.parse(JSON.stringify(value).replace(/[가-힣]+/g, "x"));
    for (const name of Object.keys(english.world)) english.world[name] = ascii(english.world[name]);
    const plain = Object.fromEntries(["POST /blocks/preview", "GET /blocks/:block"].map((line) => {
      const answer = english.answers.find(([known]) => known === line)[1];
      return [line, (asked) => ascii(answer(asked))];
    }));
    await enter(page, english, plain, { ...ascii(ME), locale: "en" });
    await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
    await page.goto(path);
    await settled(page);
    const text = (await page.locator("body").innerText()).replaceAll("한국어", "");
    expect(text.match(/[^\n]*[가-힣]+[^\n]*/g) ?? []).toEqual([]);
  });
}
