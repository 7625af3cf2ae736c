import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { start } from "./service.mjs";

// The app, the service, the collector and PostgreSQL together. One story, told in order.
test.describe.configure({ mode: "serial" });

const ORGANIZATION = "org-sim-platform";
const OWNER = { email: "owner@example.com", password: "correct horse battery" };

let service;
let page;
let team;
let project;
let session;
const complaints = [];

test.beforeAll(async ({ browser }) => {
  service = await start();
  const context = await browser.newContext({ baseURL: service.url });
  page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && complaints.push(message.text()));
});
test.afterEach(() => expect(complaints).toEqual([]));
test.afterAll(async () => service?.stop());

/** Asks the API as the signed-in person, whose access token lives in the page alone: through a session of our own. */
async function ask(path) {
  return tell("GET", path);
}

/** The same for changes. Signs in once: how often somebody may is limited. */
async function tell(method, path, body) {
  session ??= await fetch(`${service.url}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(OWNER),
  }).then((answer) => answer.json());
  const answer = await fetch(`${service.url}/api${path}`, {
    method,
    headers: { authorization: `Bearer ${session.accessToken}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  return answer.json();
}

/** Two decimal texts that say the same number; nothing passes through a float. */
const plain = (decimal) => decimal.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

test("somebody new registers and is led to the first step", async () => {
  await page.goto("/register");
  await page.getByLabel("이메일").fill(OWNER.email);
  await page.getByLabel("이름", { exact: true }).fill("김지우");
  await page.getByLabel("조직 이름").fill("가나다 커머스");
  await page.getByLabel("비밀번호", { exact: true }).fill(OWNER.password);
  await page.getByRole("button", { name: "가입하기" }).click();
  await expect(page).toHaveURL(`${service.url}/setup`);
});

test("a team is made, a wrong key is refused, the right one is taken", async () => {
  await page.getByLabel("팀 이름").fill("플랫폼팀");
  await page.keyboard.press("Enter");
  await expect(page.locator("[aria-current=step]")).toContainText("Admin 키");
  await page.getByLabel("OpenAI Admin API Key").fill("sk-admin-000000000000000000000000");
  await page.getByRole("button", { name: "등록", exact: true }).click();
  await expect(page.getByText("이 키는 저장하지 않았어요.")).toBeVisible();
  const { adminKeys } = await service.organization(ORGANIZATION);
  await page.getByLabel("OpenAI Admin API Key").fill(adminKeys[0]);
  await page.getByRole("button", { name: "등록", exact: true }).click();
  await expect(page.locator("[aria-current=step]")).toContainText("Project ID");
  await expect(page.locator("body")).not.toContainText(adminKeys[0]);
});

test("a Project ID is connected and the first cost comes in", async () => {
  const list = page.getByLabel("OpenAI 프로젝트");
  await expect(list.getByRole("option", { name: /support-assistant/ })).toHaveCount(1);
  await list.selectOption("proj_sim_support_assistant");
  await page.getByRole("button", { name: "연결하기" }).click();
  await expect(page.locator("[aria-current=step]")).toContainText("첫 이벤트 확인", { timeout: 45_000 });
  team = (await ask("/teams")).data[0].id;
  project = (await ask("/projects")).data[0].id;
  await expect.poll(async () => (await ask(`/teams/${team}/collection`)).status, { timeout: 45_000 }).toBe("healthy");
});

test("a pasted curl reports an event, and its cost shows within 2 s", async () => {
  await page.locator("[aria-current=step]").getByRole("link", { name: "연동 가이드 보기" }).click();
  await expect(page.getByText("첫 이벤트를 기다리고 있어요")).toBeVisible();
  await page.getByLabel("프로젝트").selectOption(project);
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.locator(".secret")).toContainText("fin_");
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  const pasted = await page.getByRole("group", { name: "코드", exact: true }).innerText();
  const receipt = JSON.parse(execFileSync("bash", ["-c", pasted], { encoding: "utf8" }));
  const answered = Date.now();
  await expect(page.getByText("첫 이벤트를 받았어요")).toBeVisible({ timeout: 2_000 });
  expect(Date.now() - answered).toBeLessThan(2_000);
  expect(receipt).toMatchObject({ status: "accepted", state: "estimated" });
  const shown = page.locator("main").getByTitle(/^\$0\.\d+ USD$/).first();
  expect(plain((await shown.getAttribute("title")).match(/[\d.]+/)[0])).toBe(plain(receipt.cost));
  await page.getByRole("link", { name: "이벤트 보기" }).click();
  await expect(page.getByRole("dialog").getByText(receipt.eventId)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator("main tbody tr")).toHaveCount(1);
  await page.goto("/setup");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("준비가 끝났어요");
});

test("the home page shows yesterday's cost, and it is the truth to the last decimal", async () => {
  const { yesterday, total, trend } = await ask("/costs/summary");
  const truth = await service.truth(ORGANIZATION, { from: yesterday.from, to: yesterday.to });
  expect(plain(yesterday.cost)).toBe(plain(String(truth.total)));
  const period = await service.truth(ORGANIZATION, { from: trend[0].day, to: yesterday.to });
  expect(plain(total)).toBe(plain(String(period.total)));

  await page.getByRole("link", { name: "홈에서 비용 보기" }).click();
  await expect(page).toHaveURL(new RegExp(`^${service.url}/(\\?.*)?$`));
  const shown = new Intl.NumberFormat("ko-KR", { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" }).format(yesterday.cost);
  await expect(page.getByText("어제 쓴 비용").first()).toBeVisible();
  await expect(page.getByText(shown).first()).toBeVisible();
});

test("the project's page shows what it cost", async () => {
  const { yesterday } = await ask(`/costs/summary?projectId=${project}`);
  const truth = await service.truth(ORGANIZATION, { from: yesterday.from, to: yesterday.to, project: "proj_sim_support_assistant" });
  expect(plain(yesterday.cost)).toBe(plain(String(truth.total)));
  await page.goto(`/projects/${project}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("support-assistant");
  await expect(page.getByRole("img").or(page.getByRole("group", { name: /비용/ })).first()).toBeVisible();
});

test("a budget made in the app shows what was spent", async () => {
  await page.goto("/budgets?new=budget");
  const dialog = page.getByRole("dialog", { name: "예산 추가" });
  await dialog.getByLabel("이름").fill("올해의 AI");
  await dialog.getByLabel("금액", { exact: true }).fill("1000000");
  await dialog.getByLabel("기간").selectOption("yearly");
  await dialog.getByRole("button", { name: "예산 추가" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("올해의 AI");
  const [budget] = (await ask("/budgets")).data;
  expect(page.url()).toBe(`${service.url}/budgets/${budget.id}`);
  const { current } = await ask(`/budgets/${budget.id}/status`);
  expect(Number(current.spent)).toBeGreaterThan(0);
  const shown = page.getByRole("region", { name: "사용", exact: true });
  const spent = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(current.spent);
  await expect(shown).toContainText(`$${spent}`);
  // The days of the bill that are known add up to it, in integers of the last digit.
  const digits = (decimal) => BigInt(decimal.replace(/^(-?\d+)(?:\.(\d*))?$/, (_, whole, rest = "") => whole + rest.padEnd(18, "0")));
  const { days } = await ask(`/budgets/${budget.id}/status`);
  expect(days.reduce((sum, day) => sum + digits(day.spent ?? "0"), 0n)).toBe(digits(current.spent));
  await page.goto("/budgets");
  await expect(page.getByRole("row").filter({ hasText: "올해의 AI" })).toContainText(`$${spent}`);
});

test("a threshold is crossed, Slack rings, two clicks stop the spending, and it is lifted again", async () => {
  test.setTimeout(150_000);
  const provider = () => service.limits(ORGANIZATION, "proj_sim_support_assistant");
  const before = await provider();
  // The team lets blocks reach the provider, and has a channel.
  await page.goto(`/teams/${team}?tab=settings`);
  await page.getByRole("switch", { name: "긴급 차단을 OpenAI에도 적용하기" }).click();
  await expect(page.getByText("저장했어요").first()).toBeVisible();
  await page.goto("/alerts?tab=channels&new=channel");
  const form = page.getByRole("dialog");
  await form.getByLabel("이름").fill("FinOps");
  await form.getByLabel("URL").fill(service.slack);
  await form.getByRole("button", { name: "채널 추가" }).click();
  await expect(form).toBeHidden();
  await page.getByRole("button", { name: "FinOps 테스트" }).click();
  const [tried] = await service.messages(1, 60);
  expect(tried.content.text).toContain("채널 테스트: FinOps");
  const { key } = await tell("POST", "/api-keys", { name: "봇", scopes: ["guard"], projectId: project });
  const check = async () => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch(`${service.url}/api/guard/check`, { method: "POST", headers, body: "{}" });
    return answer.status === 200 ? 200 : `${answer.status} ${(await answer.json()).code}`;
  };
  expect(await check()).toBe(200);

  // What the provider measured today is far more than that.
  await tell("PUT", `/projects/${project}/cost-thresholds`, { daily: { amount: "0.01", type: "slack" } });
  const message = (await service.messages(2, 60)).find((one) => one.number !== tried.number);
  const blocks = message.content.blocks;
  expect(blocks[0].text.text).toMatch(/^🚨 \[플랫폼팀\] 일일 한도 \$0\.01 초과 - 현재 \$[\d,.]+ \([\d,]+%\)$/);
  const buttons = blocks.find((block) => block.type === "actions").elements;
  const [stop, details] = buttons.map((button) => [button.text.text, button.url]);
  expect([stop[0], details[0]]).toEqual(["지금 차단하기", "상세 보기"]);

  // The details say why.
  await page.goto(details[1]);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("[플랫폼팀] 일일 한도");
  // Two clicks: the link in the message, and the answer. The safe answer has the focus.
  await page.goto(stop[1]);
  const dialog = page.getByRole("alertdialog");
  await expect(dialog).toContainText("OpenAI에서도 멈춰요");
  await expect(dialog.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await expect(dialog.getByLabel("이유")).toHaveValue(/일일 한도/);
  await dialog.getByRole("button", { name: "차단하기" }).click();
  const banner = page.getByRole("region", { name: "긴급 차단" });
  await expect(banner).toContainText("차단 중이에요");
  await expect.poll(check, { timeout: 5_000 }).toBe("403 blocked");
  await expect.poll(async () => (await provider()).stoppedSince, { timeout: 30_000 }).not.toBeNull();

  // On every page, with the way back.
  await page.goto("/");
  await expect(banner).toContainText("차단 중이에요");
  await banner.getByRole("button", { name: "차단 풀기" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "차단 풀기" }).click();
  await expect(banner).toBeHidden();
  await expect.poll(check, { timeout: 5_000 }).toBe(200);
  await expect.poll(provider, { timeout: 30_000 }).toEqual(before);

  // All of it is on record.
  const actions = (await ask("/audit-log?limit=50")).data.map((entry) => entry.action);
  for (const action of ["block.create", "block.provider_clamped", "block.lift", "block.provider_restored"]) {
    expect(actions).toContain(action);
  }
  await page.goto("/blocks");
  await expect(page.getByRole("row").filter({ hasText: "support-assistant" })).toContainText("풀림");
});

test("the pasted checks ask, report and settle, and what a hard budget refuses is not made", async () => {
  const { id } = await tell("POST", "/budgets", { name: "가드", scope: { type: "project", id: project }, amount: "1000000", period: "yearly", enforcement: "hard" });
  const guarded = async () => (await tell("POST", "/guard/check", { projectId: project })).budgets.find((one) => one.id === id);
  await expect.poll(async () => (await guarded())?.reserved).toBe("0.000000");
  await page.goto("/integration");
  await page.getByLabel("프로젝트").selectOption(project);
  await page.getByRole("button", { name: "키 만들기" }).click();
  await expect(page.locator(".secret")).toContainText("fin_");
  const card = page.getByRole("region", { name: "호출 전에 확인하기" });
  const paste = async (tab, run) => {
    await card.getByRole("tab", { name: tab }).click();
    return run(await card.getByRole("group", { name: "확인 코드" }).innerText());
  };
  const bash = (text) => execFileSync("bash", ["-c", text], { encoding: "utf8" });
  const python = (text) => execFileSync("python3", ["-c", text], { encoding: "utf8", env: { ...process.env, PYTHONPATH: "../sdk/python" } });
  const calls = async () => (await ask("/usage-events?service=integration-guide")).data.length;
  const before = await calls();
  expect(await paste("curl", bash)).toMatch(/"reservationId":"[0-9a-f-]{36}"[^]*"status":"accepted"/);
  expect(await paste("Python", python)).toBe("made\n");
  await expect.poll(calls).toBe(before + 2);
  // Settled: nothing is held once the figures have the calls.
  await expect.poll(async () => (await guarded()).reserved, { timeout: 15_000 }).toBe("0.000000");
  // Less than is spent: both say why, and report nothing.
  await tell("PUT", `/budgets/${id}`, { name: "가드", scope: { type: "project", id: project }, amount: "0.01", period: "yearly", enforcement: "hard" });
  await expect.poll(async () => paste("curl", bash), { timeout: 10_000 }).toContain('"code":"budget_exceeded"');
  const made = await calls();
  expect(await paste("Python", python)).toBe("budget_exceeded\n");
  expect(await paste("curl", bash)).not.toContain("accepted");
  expect(await calls()).toBe(made);
  await page.goto(`/projects/${project}?tab=settings`);
  await page.getByRole("region", { name: "지금 호출하면" }).getByRole("button", { name: "확인하기" }).click();
  await expect(page.getByRole("region", { name: "지금 호출하면" }).getByRole("link", { name: "가드" })).toHaveAttribute("href", `/budgets/${id}`);
  await tell("PUT", `/budgets/${id}`, { name: "가드", scope: { type: "project", id: project }, amount: "1000000", period: "yearly", enforcement: "soft" });
});

test("the same in English, one click away", async () => {
  await page.goto("/");
  await page.getByRole("button", { name: "김지우님의 계정 메뉴" }).click();
  await page.getByRole("menuitemradio", { name: "English" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  const words = async () => (await page.locator("main").innerText()).replaceAll("플랫폼팀", "");
  await expect.poll(words).toContain("Yesterday");
  await expect.poll(words).not.toMatch(/[가-힣]/);
  await page.getByRole("button", { name: "Account menu of 김지우" }).click();
  await page.getByRole("menuitemradio", { name: "한국어" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ko");
});

test("every page is clean to axe in both themes", async () => {
  test.setTimeout(180_000);
  const paths = ["/", "/projects", `/projects/${project}`, "/explore", "/teams", `/teams/${team}`, "/setup", "/settings", "/audit", "/events", "/budgets", "/alerts", "/alerts?tab=rules", "/alerts?tab=channels", "/alerts?tab=deliveries", "/blocks", "/reports/weekly", `/projects/${project}?tab=value`, "/integration"];
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const path of paths) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      // A stream is never idle.
      await (path === "/integration" ? expect(page.getByText("연결됨", { exact: true })).toBeVisible() : page.waitForLoadState("networkidle"));
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${scheme} ${path}: ${id} ${nodes[0].target}`)).toEqual([]);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
});

test("a wrong password is refused by the real service, a right one is not", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: service.url });
  const other = await context.newPage();
  await other.goto("/login");
  await other.getByLabel("이메일").fill(OWNER.email);
  await other.getByLabel("비밀번호", { exact: true }).fill("wrong horse battery");
  await other.keyboard.press("Enter");
  await expect(other.getByText("이메일 또는 비밀번호가 맞지 않아요.")).toBeVisible();
  await other.getByLabel("비밀번호", { exact: true }).fill(OWNER.password);
  await other.keyboard.press("Enter");
  await expect(other.getByRole("button", { name: "김지우님의 계정 메뉴" })).toBeVisible();
  // The session outlives a reload: the refresh token is a cookie that no script can read.
  await other.reload();
  await expect(other.getByRole("button", { name: "김지우님의 계정 메뉴" })).toBeVisible();
  expect(await other.evaluate(() => document.cookie)).toBe("");
  await context.close();
});
