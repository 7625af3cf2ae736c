import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { costs } from "./costs.mjs";
import { mock, problem, signIn } from "./mock.mjs";

/** Every complaint of the browser, the Content-Security-Policy's among them. */
function complaints(page, { but = /^$/ } = {}) {
  const heard = [];
  page.on("console", (message) => message.type() === "error" && !but.test(message.text()) && heard.push(message.text()));
  page.on("pageerror", (error) => heard.push(String(error)));
  return heard;
}

test("a wrong password is told, a right one leads on", async ({ page }) => {
  const heard = complaints(page, { but: /401/ });
  await mock(page, costs());
  await page.goto("/");
  await expect(page).toHaveURL("/login");
  await expect(page.locator("html")).toHaveAttribute("lang", "ko");

  await page.getByRole("button", { name: "로그인" }).click();
  await expect(page.getByText("입력해 주세요.")).toHaveCount(2);
  await expect(page.getByLabel("이메일")).toBeFocused();

  await page.getByLabel("이메일").fill("finops@example.com");
  await page.getByLabel("비밀번호", { exact: true }).fill("wrong");
  await page.keyboard.press("Enter");
  await expect(page.getByText("이메일 또는 비밀번호가 맞지 않아요.")).toBeVisible();

  await page.getByLabel("비밀번호", { exact: true }).fill("correct horse battery");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "김지우님의 계정 메뉴" })).toBeVisible();
  expect(heard).toEqual([]);
});

test("language and theme are chosen in the account menu and last", async ({ page }) => {
  const heard = complaints(page);
  await signIn(page);
  await page.goto("/nowhere");
  await page.getByRole("button", { name: "김지우님의 계정 메뉴" }).click();
  await page.getByRole("menuitemradio", { name: "English" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await page.getByRole("button", { name: "Account menu of 김지우" }).click();
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page does not exist");
  expect(heard).toEqual([]);
});

test("the palette finds pages by a few letters in either language", async ({ page }) => {
  await signIn(page);
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("settings");
  await expect(page.getByRole("option").first()).toContainText("설정");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/settings");
});

test("a session that has ended asks for a new sign-in and comes back", async ({ page }) => {
  await signIn(page, { "POST /auth/refresh": () => problem(401, "refresh_invalid") });
  await page.goto("/nowhere?x=1");
  await expect(page).toHaveURL("/login?next=%2Fnowhere%3Fx%3D1");
});

for (const colorScheme of ["light", "dark"]) {
  for (const path of ["/login", "/register", "/nowhere"]) {
    test(`${path} is accessible in ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await (path === "/nowhere" ? signIn : mock)(page);
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
    });
  }
}
