// Calls one by one: what each used and cost, found by what is known of it, and as they come in.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { freeze, PROJECTS } from "./costs.mjs";
import { event, EVENTS, tail, usage } from "./events.mjs";
import { json, ME, problem, signIn } from "./mock.mjs";

const [CHATBOT] = PROJECTS;

let complaints;
test.beforeEach(({ page }) => {
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && complaints.push(message.text()));
});
test.afterEach(() => expect(complaints).toEqual([]));

async function open(page, path = "/events", options = {}) {
  await freeze(page);
  const { asked, answers } = usage(options);
  const stream = await tail(page);
  await signIn(page, answers);
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  return { asked, stream };
}

const rows = (page) => page.locator("main tbody tr");
const row = (page, text) => rows(page).filter({ hasText: text });
const field = (page) => page.getByRole("combobox", { name: "이벤트 필터" });

test("each line says what was used and what is known of its cost", async ({ page }) => {
  await open(page);
  await expect(rows(page)).toHaveCount(100);
  const first = rows(page).first();
  await expect(first).toContainText("11. 23. 12:10:00");
  await expect(first).toContainText("1,200");
  await expect(first).toContainText("400");
  await expect(first).toContainText("1,840 ms");
  await expect(first).toContainText("$0.003500");
  await expect(first).toContainText("추정");
  await expect(row(page, "house-model-7b")).toContainText("가격 없음");
  await expect(row(page, "house-model-7b")).not.toContainText("$");
  await expect(row(page, "gpt-4o-mini")).toContainText("무료");
  await expect(row(page, "text-embedding-3-small")).toContainText("<$0.000001");
  await expect(row(page, "gpt-image-2")).toContainText("이미지 2");
  await expect(row(page, "gpt-image-2")).toContainText("실패");
  await expect(row(page, "gpt-image-2")).toContainText("프로젝트 미지정");
  await expect(page.getByText("$0.00", { exact: true })).toHaveCount(0);
});

test("the field suggests, and what is chosen is in the URL and asked for", async ({ page }) => {
  const { asked } = await open(page);
  await expect(rows(page)).toHaveCount(100);
  await field(page).click();
  await expect(page.getByRole("option")).toHaveCount(13);
  await field(page).fill("실패");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(field(page)).toHaveValue("failed:");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: /failed:true/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(rows(page)).toHaveCount(1);
  await expect(page).toHaveURL(/q=failed%3Atrue|q=failed:true/);
  expect(asked.at(-1).get("failed")).toBe("true");

  // By a name, that the service knows by its id.
  await field(page).fill(`project:"${CHATBOT.name}"`);
  await page.keyboard.press("Enter");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  expect(asked.at(-1).get("projectId")).toBe(CHATBOT.id);
  await page.getByRole("button", { name: "failed:true 필터 지우기" }).click();
  await expect.poll(() => rows(page).count()).toBeGreaterThan(50);

  await page.reload();
  await expect(page.getByRole("button", { name: `project:${CHATBOT.name} 필터 지우기` })).toBeVisible();
  await expect.poll(() => asked.at(-1).get("projectId")).toBe(CHATBOT.id);
  await field(page).click();
  await page.keyboard.press("Backspace");
  await expect(page).toHaveURL("/events");
  await expect(rows(page)).toHaveCount(100);
});

test("what cannot be asked for is told and not asked for", async ({ page }) => {
  const { asked } = await open(page, "/events?q=failed:maybe");
  await expect(page.getByText("‘maybe’는 failed에 쓸 수 없는 값이에요.")).toBeVisible();
  expect(asked).toEqual([]);
  await page.goto("/events?q=project:nowhere");
  await expect(page.getByText("‘nowhere’이라는 프로젝트를 하나로 정할 수 없어요.")).toBeVisible();
  expect(asked).toEqual([]);
  await page.getByRole("main").getByRole("button", { name: "필터 지우기", exact: true }).first().click();
  await expect(rows(page)).toHaveCount(100);
});

test("the time is in the URL", async ({ page }) => {
  const { asked } = await open(page);
  await expect(rows(page)).toHaveCount(100);
  expect(Date.parse(asked[0].get("from"))).toBe(Date.parse("2026-11-22T03:10:00Z"));
  await page.getByRole("radio", { name: "15분" }).click();
  await expect(page).toHaveURL("/events?range=15m");
  await expect.poll(() => Date.parse(asked.at(-1).get("from"))).toBe(Date.parse("2026-11-23T02:55:00Z"));
  await page.goto("/events?from=2026-11-23T03:09:00Z&to=2026-11-23T03:10:00Z");
  await expect(rows(page)).toHaveCount(8);
  await expect(page.getByRole("switch", { name: "라이브" })).toHaveCount(0);
  await page.getByRole("button", { name: /2026\. 11\. 23\. 12:09 – .* 필터 지우기/ }).click();
  await expect(page).toHaveURL("/events");
});

test("more lines follow, and a failure of theirs can be tried again", async ({ page }) => {
  let fails = 1;
  const { answers } = usage();
  const list = answers["GET /usage-events"];
  await open(page, "/events", {
    over: {
      "GET /usage-events": (request) =>
        request.url().includes("cursor=") && fails-- > 0 ? problem(503, "unavailable") : list(request),
    },
  });
  await expect(rows(page)).toHaveCount(100);
  await page.getByRole("button", { name: "더 보기", exact: true }).click();
  await expect(page.locator(".pager .field-error")).not.toBeEmpty();
  await page.getByRole("button", { name: "더 보기", exact: true }).click();
  await expect(rows(page)).toHaveCount(EVENTS.length);
  await expect(page.getByRole("button", { name: "더 보기", exact: true })).toHaveCount(0);
});

test("what comes in is shown, but not under a reader's pointer", async ({ page }) => {
  const { stream } = await open(page);
  await expect(rows(page)).toHaveCount(100);
  expect(await stream.opened()).toEqual([]);
  await page.getByRole("switch", { name: "라이브" }).click();
  await expect(page).toHaveURL("/events?live=on");
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  expect((await stream.opened())[0].token).toBe("Bearer mock");

  await stream.send(event(-1, { model: "came-in-1" }));
  await expect(rows(page).first()).toContainText("came-in-1");
  await expect(rows(page).first()).toHaveAttribute("data-new", "");
  await expect(rows(page)).toHaveCount(101);
  // The same again is the same.
  await stream.send(event(-1, { model: "came-in-1" }));

  await rows(page).nth(3).hover();
  await expect(page.getByText("보는 동안 멈췄어요")).toBeVisible();
  await stream.send(event(-2, { model: "came-in-2" }));
  await expect(page.getByText("새 이벤트 1개")).toBeVisible();
  await expect(row(page, "came-in-2")).toHaveCount(0);
  await page.mouse.move(5, 5);
  await expect(rows(page).first()).toContainText("came-in-2");
  await expect(row(page, "came-in-1")).toHaveCount(1);

  await rows(page).first().getByRole("link").press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await stream.send(event(-3, { model: "came-in-3" }));
  await expect(row(page, "came-in-3")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(rows(page).first()).toContainText("came-in-3");
});

test("a lost stream is connected again, after what was heard last", async ({ page }) => {
  const { stream } = await open(page, "/events?live=on&q=model:gpt-4o");
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  const heard = event(-1);
  await stream.send(heard);
  await expect(rows(page).first()).toHaveAttribute("data-new", "");
  await stream.refuse(1);
  await stream.end();
  await expect(page.getByText("다시 연결하는 중")).toBeVisible();
  await expect.poll(async () => (await stream.opened()).length, { timeout: 15_000 }).toBe(3);
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  const opened = await stream.opened();
  expect(opened.map(({ last }) => last)).toEqual([null, heard.receivedAt, heard.receivedAt]);
  expect(opened[2].url).toContain("model=gpt-4o");
  await page.getByRole("switch", { name: "라이브" }).click();
  await expect.poll(async () => (await stream.opened()).filter(({ open }) => open).length).toBe(0);
});

test("leaving the page ends the stream", async ({ page }) => {
  const { stream } = await open(page, "/events?live=on");
  await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
  await page.getByRole("navigation", { name: "주 메뉴" }).getByRole("link", { name: "팀", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("팀");
  await expect.poll(async () => (await stream.opened()).map(({ open }) => open)).toEqual([false]);
});

test("an event opens with the keyboard and tells everything", async ({ page }) => {
  await open(page);
  await rows(page).first().getByRole("link").focus();
  await page.keyboard.press("ArrowDown");
  await expect(rows(page).nth(1).getByRole("link")).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: "이벤트" });
  await expect(drawer).toBeVisible();
  await expect(page).toHaveURL("/events?event=evt-0");
  await expect(drawer.getByText("evt-0", { exact: true })).toBeVisible();
  for (const text of ["캐시에서 읽은 입력 토큰", "추론 토큰", "learner-7", "grade 5", "$0.004100", "날짜가 붙은 버전의 가격이에요 · 협의한 가격", '"retries": 2', '"department": "marketing"', "4.5"]) {
    await expect(drawer.getByText(text).first()).toBeVisible();
  }
  // A key by its name, not by its id.
  await expect(drawer.getByText("tutor-svc SDK fin_…a1B2")).toBeVisible();
  await expect(drawer).not.toContainText("0000000000aa");
  await expect(drawer.getByRole("link", { name: EVENTS[0].project.name })).toHaveAttribute("href", `/projects/${EVENTS[0].project.id}`);
  await expect(drawer.getByRole("link", { name: "가격표에서 보기" })).toHaveAttribute("href", "/pricebook?model=gpt-4o");
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(page).toHaveURL("/events");
  await expect(rows(page).first().getByRole("link")).toBeFocused();
});

test("a link leads to an event that the list does not show", async ({ page }) => {
  await open(page, "/events?event=evt-1&q=model:gpt-4o");
  await expect(page.getByRole("dialog").getByText("가격표에 없는 모델이에요.")).toBeVisible();
  await page.getByRole("button", { name: "닫기" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.goto("/events?event=evt-gone");
  await expect(page.getByRole("dialog").getByText("찾을 수 없어요")).toBeVisible();
});

test.describe("no line has its reason", () => {
  test("nothing was ever reported: the guide", async ({ page }) => {
    await open(page, "/events", { events: [] });
    await expect(page.getByText("아직 데이터가 없어요")).toBeVisible();
    await page.getByRole("link", { name: "연동 가이드 보기" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("연동 가이드");
  });
  test("what comes in fills the empty list", async ({ page }) => {
    const { stream } = await open(page, "/events?live=on", { events: [] });
    await expect(page.getByText("연결됨", { exact: true })).toBeVisible();
    await stream.send(event(0));
    await expect(rows(page)).toHaveCount(1);
  });
  test("nothing matches: without the filter", async ({ page }) => {
    await open(page, "/events?q=model:none-such");
    await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
    await page.locator(".state").getByRole("button", { name: "필터 지우기" }).click();
    await expect(rows(page)).toHaveCount(100);
  });
  test("nothing of late: since when", async ({ page }) => {
    await open(page, "/events?range=1h", { events: [event(0, { timestamp: "2026-11-20T01:00:00Z" })] });
    await expect(page.getByText("새 이벤트가 들어오지 않고 있어요")).toBeVisible();
    await expect(page.getByText(/마지막 이벤트는 2026\. 11\. 20\. 10:00에 있었어요/)).toBeVisible();
    await page.getByRole("button", { name: "최근 30일 보기" }).click();
    await expect(rows(page)).toHaveCount(1);
  });
  test("nothing is the reader's: ask for it", async ({ page }) => {
    const none = { data: [], nextCursor: null };
    const session = { accessToken: "mock", tokenType: "Bearer", expiresIn: 900, user: { ...ME, role: "user" } };
    await open(page, "/events", { events: [], over: { "GET /projects": none, "GET /teams": none, "POST /auth/refresh": session } });
    await expect(page.getByText("권한이 필요해요")).toBeVisible();
  });
  test("it could not be read: try again", async ({ page }) => {
    let fails = 1;
    const list = usage().answers["GET /usage-events"];
    await open(page, "/events", { over: { "GET /usage-events": (request) => (fails-- > 0 ? problem(500, "internal") : list(request)) } });
    await expect(page.getByRole("alert")).toContainText("01936f00-0000-7000-8000-00000000feed");
    await page.getByRole("button", { name: "다시 시도하기" }).click();
    await expect(rows(page)).toHaveCount(100);
  });
});

test("a narrow screen shows cards, and nothing sticks out", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await open(page);
  await expect(rows(page).first()).toBeVisible();
  const sticksOut = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await sticksOut()).toBe(0);
  await rows(page).first().getByRole("link").click();
  await expect(page.getByRole("dialog")).toBeVisible();
  expect(await sticksOut()).toBe(0);
});

for (const colorScheme of ["light", "dark"]) {
  test(`events are accessible in ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await open(page, "/events?live=on&q=service:support-bot");
    await expect(rows(page).first()).toBeVisible();
    const violations = async () => (await new AxeBuilder({ page }).analyze()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)]);
    expect(await violations()).toEqual([]);
    await field(page).click();
    await expect(page.getByRole("listbox")).toBeVisible();
    expect(await violations()).toEqual([]);
    await page.goto("/events?event=evt-0");
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await violations()).toEqual([]);
  });
}

test("not a word is left in Korean", async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
  await open(page, "/events?live=on&q=learner:learner-7&event=evt-0", {
    over: {
      "GET /usage-events": () => json({ data: [{ ...EVENTS[0], project: null }], nextCursor: null }),
      "GET /usage-events/evt-0": () => json({ ...EVENTS[0], project: null }),
    },
  });
  await expect(page.getByRole("dialog")).toContainText("Cost allocation");
  expect(await page.locator("main").innerText()).not.toMatch(/[가-힣]/);
});
