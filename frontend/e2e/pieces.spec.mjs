// Pages are fetched when they are needed: what home waits for, and what becomes of a page whose piece does not come.
import { expect, test } from "@playwright/test";
import { costs } from "./costs.mjs";
import { json, signIn } from "./mock.mjs";

/** The names of the modules that were asked for, in order. */
function modules(page) {
  const asked = [];
  page.on("request", (request) => {
    const name = /\/assets\/(\w+)-\w+\.wasm$/.exec(new URL(request.url()).pathname)?.[1];
    if (name) asked.push(name);
  });
  return asked;
}

/** Answers with something that is not answered: while the service owes an answer, no piece is fetched in advance. */
const unquiet = () => ({ ...costs(), "GET /blocks": () => new Promise(() => {}) });

/** Something that waits until it is opened. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}

test("home needs one module; the others come when it is there", async ({ page }) => {
  const asked = modules(page);
  const summary = gate();
  const answers = costs();
  const answer = answers["GET /costs/summary"];
  await signIn(page, {
    ...answers,
    "GET /costs/summary": async (request) => {
      await summary.opened;
      return typeof answer === "function" ? answer(request) : json(answer);
    },
  });
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(asked).toEqual(["app"]);
  summary.open();
  const all = ["alerts", "app", "audit", "budgets", "common", "events", "explore", "integration", "pricebook", "projects", "reports", "settings", "setup", "teams"];
  await expect.poll(() => asked.toSorted()).toEqual(all);
  await page.getByRole("link", { name: "프로젝트", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("프로젝트");
  expect(asked).toHaveLength(all.length);
});

test("a page's piece is fetched on the way to it, behind an outline", async ({ page }) => {
  const asked = modules(page);
  const piece = gate();
  await page.route("**/assets/projects-*.wasm", async (route) => {
    await piece.opened;
    await route.continue();
  });
  await signIn(page, unquiet());
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(asked).toEqual(["app"]);
  await page.getByRole("link", { name: "프로젝트", exact: true }).click();
  await expect(page.locator("main .skeleton").first()).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(0);
  piece.open();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("프로젝트");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await expect(page.locator("main").getByRole("table")).toBeVisible();
});

test("an address asks for its piece before the session is known", async ({ page }) => {
  const asked = modules(page);
  const session = gate();
  await signIn(page, costs());
  await page.route("**/api/auth/refresh", async (route) => {
    await session.opened;
    await route.fallback();
  });
  await page.goto("/explore");
  await expect.poll(() => asked.toSorted()).toEqual(["app", "common", "explore"]);
  session.open();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("비용 분석");
});

for (const broken of ["projects", "common"]) {
  test(`a page without its piece (${broken}) says so and can be tried again`, async ({ page }) => {
    const asked = modules(page);
    const times = () => asked.filter((name) => name === broken).length;
    await page.route(`**/assets/${broken}-*.wasm`, (route) => route.abort());
    await signIn(page, unquiet());
    await page.goto("/nowhere");
    await page.getByRole("link", { name: "프로젝트", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("화면을 열지 못했어요");
    await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
    await expect(page.getByRole("alert")).toContainText("네트워크를 확인해 주세요.");
    await page.getByRole("button", { name: "다시 시도하기" }).click();
    await expect.poll(times).toBe(2);
    await expect(page.getByRole("alert")).toBeVisible();

    await page.unroute(`**/assets/${broken}-*.wasm`);
    await page.getByRole("button", { name: "다시 시도하기" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("프로젝트");
    await expect(page.locator("main").getByRole("table")).toBeVisible();
  });
}

test("a page whose piece went with an older version offers to load the new one", async ({ page }) => {
  await page.route("**/assets/projects-*.wasm", (route) => route.fulfill({ status: 404, body: "" }));
  // The shell as it is after a deployment: it names another script.
  await page.route("http://127.0.0.1:*/", (route) =>
    route.fulfill({ contentType: "text/html", body: '<script type="module" src="/assets/app-ffffffffffff.js"></script>' }),
  );
  await signIn(page, costs());
  await page.goto("/nowhere");
  await page.getByRole("link", { name: "프로젝트", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("새 버전이 나왔어요");
  await page.unrouteAll();
  await signIn(page, costs());
  await page.getByRole("button", { name: "새로고침하기" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("프로젝트");
});
