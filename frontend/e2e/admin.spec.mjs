import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { adminKey, CHATBOT, COLLEAGUE, collection, enter, established, fresh, KEY, MARKETING, PLATFORM, REGISTERED, summary } from "./admin.mock.mjs";
import { event } from "./events.mjs";
import { json, ME, mock, problem } from "./mock.mjs";

const TEAM = `/teams/${MARKETING}`;
const GOOD_KEY = "sk-admin-0123456789abcdefabc1";
const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);

// What the browser complained of; a refused request alone is no complaint.
let complaints;
test.beforeEach(({ page }) => {
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && complaints.push(message.text()));
});
test.afterEach(() => expect(complaints).toEqual([]));

test("a new organization goes from nothing to its first cost and its first event", async ({ page }) => {
  const setup = fresh();
  let refusals = 1;
  const asked = await enter(page, setup, {
    "POST /teams/:team/admin-keys": async (request) =>
      refusals-- > 0 ? problem(422, "admin_key_rejected") : setup.answers.find(([p]) => p === "POST /teams/:team/admin-keys")[1](request),
  });
  await page.goto("/setup");
  const steps = page.getByRole("listitem").filter({ has: page.getByRole("heading", { level: 3 }) });
  await expect(steps).toHaveCount(5);
  await expect(page.locator("[aria-current=step]")).toContainText("팀 만들기");

  await page.getByLabel("팀 이름").fill("마케팅팀");
  await page.keyboard.press("Enter");
  await expect(page.locator("[aria-current=step]")).toContainText("Admin 키 등록");

  // A slip of the clipboard does not leave the browser.
  const key = page.getByLabel("OpenAI Admin API Key");
  await key.fill("not a key");
  await page.getByRole("button", { name: "등록", exact: true }).click();
  await expect(page.getByText("Admin API Key는 sk-admin- 또는 sk-proj-로 시작해요.")).toBeVisible();
  await expect(key).toBeFocused();
  expect(asked.filter(({ line }) => line.endsWith("/admin-keys") && line.startsWith("POST"))).toEqual([]);

  await key.fill(GOOD_KEY);
  await page.getByRole("button", { name: "등록", exact: true }).click();
  await expect(page.getByText("공급자가 이 키를 거부했어요.")).toBeVisible();
  await page.getByRole("button", { name: "등록", exact: true }).click();
  await expect(toast(page, REGISTERED)).toBeVisible();
  await expect(page.getByText("180일 중 45일")).toBeVisible();
  await expect(page.locator("[aria-current=step]")).toContainText("Project ID");

  await page.getByLabel("OpenAI 프로젝트").selectOption("proj_abc123");
  await expect(page.getByLabel("프로젝트 이름")).toHaveValue("chatbot");
  await page.getByRole("button", { name: "연결하기" }).click();
  await expect(toast(page, "Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다.")).toBeVisible();
  await expect(page.locator("[aria-current=step]")).toContainText("첫 비용 확인");

  // The page follows the collection by itself.
  setup.world.collection = collection(MARKETING, { status: "running", daysTotal: 180, daysDone: 120 });
  await expect(page.getByText("180일 중 120일")).toBeVisible();
  setup.world.collection = collection(MARKETING, { daysTotal: 180, daysDone: 180 });
  setup.world.summary = summary("1284.204512");
  await expect(page.locator("[aria-current=step]")).toContainText("첫 이벤트 확인");
  await expect(page.locator("[aria-current=step]").getByRole("link", { name: "연동 가이드 보기" })).toHaveAttribute("href", "/integration");
  setup.world.events = [event(0)];
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("준비가 끝났어요");
  await expect(page.getByText("지난 180일 비용은 $1,284.20 USD예요.")).toBeVisible();
  await page.getByRole("link", { name: "홈에서 비용 보기" }).click();
  await expect(page).toHaveURL("/");
});

test("a failed collection says why on the way to the first cost", async ({ page }) => {
  const setup = established();
  setup.world.summary = summary("0.000000");
  Object.assign(setup.world.collection, {
    status: "failed",
    lastError: { code: "unauthorized", message: "Unauthorized", at: "2026-11-24T00:00:09Z" },
  });
  await enter(page, setup);
  await page.goto("/setup");
  await expect(page.getByText("OpenAI가 Admin 키를 거부했어요(401).")).toBeVisible();
  await expect(page.getByText("키가 활성 상태이고 유형이 Admin이며")).toBeVisible();
});

test("teams are listed with what they cost, and made", async ({ page }) => {
  const setup = established();
  const asked = await enter(page, setup);
  await page.goto("/teams");
  const rows = page.getByRole("row");
  await expect(rows.filter({ hasText: "마케팅팀" })).toContainText("$1,284.20 USD");
  // Below a cent is not zero, and nothing collected is not zero either.
  await expect(rows.filter({ hasText: "Research" })).toContainText("$0.003500");
  await expect(rows.filter({ hasText: "플랫폼팀" })).toContainText("수집된 비용이 없어요");

  await page.getByRole("button", { name: "팀 만들기" }).click();
  await expect(page).toHaveURL("/teams?new=team");
  const dialog = page.getByRole("dialog", { name: "팀 만들기" });
  await dialog.getByRole("button", { name: "팀 만들기" }).click();
  await expect(dialog.getByText("입력해 주세요.")).toBeVisible();
  await dialog.getByLabel("팀 이름").fill("데이터팀");
  await dialog.getByRole("button", { name: "팀 만들기" }).click();
  await expect(page).toHaveURL(TEAM);
  expect(asked.find(({ line }) => line === "POST /teams").body).toEqual({ name: "데이터팀" });
});

for (const [code, status, place] of [
  ["admin_key_invalid", 422, "key"],
  ["admin_key_rejected", 422, "key"],
  ["admin_key_active_exists", 409, "form"],
  ["encryption_unavailable", 503, "form"],
]) {
  test(`registering a key: ${code} is told where it belongs`, async ({ page }) => {
    await enter(page, established(), { "POST /teams/:team/admin-keys": () => problem(status, code) });
    await page.goto(`${TEAM}?new=key`);
    const dialog = page.getByRole("dialog");
    const key = dialog.getByLabel("OpenAI Admin API Key");
    await key.fill(GOOD_KEY);
    await dialog.getByRole("button", { name: "등록", exact: true }).click();
    const said = {
      admin_key_invalid: "빠진 글자가 없는지",
      admin_key_rejected: "이 키는 저장하지 않았어요.",
      admin_key_active_exists: "쓰고 있는 키를 교체하거나",
      encryption_unavailable: "키는 저장되지 않았어요.",
    }[code];
    await expect(dialog.getByText(said)).toBeVisible();
    await (place === "key" ? expect(key).toHaveAttribute("aria-invalid", "true") : expect(key).not.toHaveAttribute("aria-invalid"));
  });
}

test("a key is registered for a team without one", async ({ page }) => {
  const setup = established();
  setup.world.keys = [];
  await enter(page, setup);
  await page.goto(`/teams/${PLATFORM}`);
  await page.getByRole("banner").or(page.locator(".page-head")).getByRole("button", { name: "Admin 키 등록" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("OpenAI Admin API Key").fill(GOOD_KEY);
  await dialog.getByRole("button", { name: "등록", exact: true }).click();
  await expect(toast(page, REGISTERED)).toBeVisible();
  await expect(dialog).toBeHidden();
  await expect(page).toHaveURL(`/teams/${PLATFORM}`);
  await expect(page.getByText("sk-admin-…abc1")).toBeVisible();
  expect(await page.content()).not.toContain(GOOD_KEY);
});

test("a team without a key is told so once", async ({ page }) => {
  const setup = established();
  setup.world.keys = [];
  await enter(page, setup, {
    "GET /teams/:team/collection": () => collection(PLATFORM, { status: "not_configured", lastRunAt: null, lastSuccessAt: null, settledBefore: null }),
  });
  await page.goto(`/teams/${PLATFORM}`);
  await expect(page.getByText("Admin 키를 등록하면 지난 180일의 비용부터 모아요.")).toBeVisible();
  await expect(page.getByText("아직 Admin 키가 없어요")).toHaveCount(1);
});

test("a key is verified, stopped, used again, replaced and deleted, each after its consequences", async ({ page }) => {
  const setup = established();
  const asked = await enter(page, setup);
  const row = page.getByRole("listitem").filter({ hasText: "sk-admin-…abc1" });
  const choose = async (name) => {
    await row.getByRole("button", { name: "…abc1 키 작업" }).click();
    await page.getByRole("menuitem", { name }).click();
  };
  await page.goto(TEAM);
  await row.getByRole("button", { name: "지금 확인" }).click();
  await expect(toast(page, "OpenAI가 …abc1 키를 확인했어요.")).toBeVisible();

  await choose("사용 중지");
  const confirm = page.getByRole("alertdialog");
  await expect(confirm).toContainText("이 팀의 비용이 들어오지 않아요");
  await expect(confirm.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await confirm.getByRole("button", { name: "그대로 두기" }).click();
  expect(asked.some(({ line }) => line.endsWith("/deactivate"))).toBe(false);
  await choose("사용 중지");
  await confirm.getByRole("button", { name: "사용 중지" }).click();
  await expect(row.getByText("사용 안 함")).toBeVisible();

  await choose("다시 사용");
  await confirm.getByRole("button", { name: "다시 사용" }).click();
  await expect(row.getByText("사용 중", { exact: true })).toBeVisible();

  await choose("교체");
  const rotate = page.getByRole("dialog", { name: "Admin 키 교체" });
  await expect(rotate).toContainText("지금까지 모은 비용은 그대로 남고");
  await rotate.getByLabel("OpenAI Admin API Key").fill(GOOD_KEY);
  await rotate.getByRole("button", { name: "교체" }).click();
  await expect(toast(page, REGISTERED)).toBeVisible();
  expect(asked.find(({ line }) => line.endsWith("/rotate")).body).toEqual({ key: GOOD_KEY });

  await choose("키 삭제");
  await expect(confirm).toContainText("되돌릴 수 없어요");
  await confirm.getByRole("button", { name: "키 삭제" }).click();
  await expect(row).toHaveCount(0);
  expect(asked.some(({ line }) => line === `DELETE ${TEAM}/admin-keys/${KEY}`)).toBe(true);
});

test("a key that fails is replaced where the failure is told", async ({ page }) => {
  const setup = established();
  const lastError = { code: "unauthorized", message: "OpenAI rejected the admin key (401).", at: "2026-11-24T00:00:21Z" };
  setup.world.collection = collection(MARKETING, { status: "failed", lastError });
  Object.assign(setup.world.keys.find((key) => key.isActive), { verification: "rejected", verificationReason: "unauthorized" });
  await enter(page, setup);
  await page.goto(TEAM);
  await expect(page.getByText("OpenAI가 Admin 키를 거부했어요(401).")).toHaveCount(1);
  await expect(page.getByRole("button", { name: "Admin 키 등록" })).toHaveCount(0);
  await page.locator(".banner").getByRole("button", { name: "키 교체" }).click();
  await expect(page.getByRole("dialog", { name: "Admin 키 교체" })).toBeVisible();
});

test("a change that is refused keeps its dialog open with the reason", async ({ page }) => {
  const setup = established();
  await enter(page, setup, { "POST /teams/:team/admin-keys/:key/activate": () => problem(409, "admin_key_active_exists") });
  await page.goto(TEAM);
  await page.getByRole("button", { name: "…9fQ2 키 작업" }).click();
  await page.getByRole("menuitem", { name: "다시 사용" }).click();
  const confirm = page.getByRole("alertdialog");
  await confirm.getByRole("button", { name: "다시 사용" }).click();
  await expect(confirm.getByText("이 팀에는 이미 사용 중인 Admin 키가 있어요.")).toBeVisible();
  await confirm.getByRole("button", { name: "그대로 두기" }).click();
  // Asked again, the old failure is forgotten.
  await page.getByRole("button", { name: "…9fQ2 키 작업" }).click();
  await page.getByRole("menuitem", { name: "다시 사용" }).click();
  await expect(confirm.getByText("이미 사용 중인")).toHaveCount(0);
});

test("collection is started, followed, and its times are the organization's", async ({ page }) => {
  const setup = established();
  const asked = await enter(page, setup);
  await page.goto(TEAM);
  // 00:00 UTC is nine in the morning in Seoul.
  await expect(page.getByText("2026. 11. 25. 09:00")).toBeVisible();
  await page.getByRole("button", { name: "지금 수집하기" }).click();
  await expect(toast(page, "수집을 시작했어요.")).toBeVisible();
  await expect(page.getByText("7일 중 2일")).toBeVisible();
  await expect(page.getByRole("button", { name: "지금 수집하기" })).toBeDisabled();
  expect(asked.filter(({ line }) => line === `POST ${TEAM}/collection`)).toHaveLength(1);
  setup.world.collection = collection(MARKETING);
  await expect(page.getByText("정상")).toBeVisible();
  await expect(page.getByRole("button", { name: "지금 수집하기" })).toBeEnabled();
});

test("a cost without a project finds one", async ({ page }) => {
  const setup = established();
  const asked = await enter(page, setup);
  await page.goto(TEAM);
  const row = page.getByRole("row").filter({ hasText: "proj_2k9QdLx7HaYv" });
  await expect(row).toContainText("$184.23");
  await row.getByRole("button", { name: "프로젝트에 연결" }).click();
  await expect(page).toHaveURL(`${TEAM}?connect=proj_2k9QdLx7HaYv`);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("프로젝트 이름")).toHaveValue("ad-copy-generator");
  await dialog.getByRole("radio", { name: "기존 프로젝트" }).click();
  // Only what has no Project ID yet is offered.
  await expect(dialog.getByLabel("프로젝트", { exact: true }).getByRole("option")).toHaveText(["골라 주세요", "광고 문구 생성"]);
  await dialog.getByLabel("프로젝트", { exact: true }).selectOption("광고 문구 생성");
  await dialog.getByRole("button", { name: "연결하기" }).click();
  await expect(dialog).toBeHidden();
  await expect(row).toHaveCount(0);
  expect(asked.some(({ line }) => line === "POST /projects")).toBe(false);
});

test("connecting again after half a success makes no second project", async ({ page }) => {
  const setup = established();
  let refusals = 1;
  const asked = await enter(page, setup, {
    "PUT /projects/:project/openai-project-id": (request) =>
      refusals-- > 0 ? problem(422, "openai_project_id_unreachable") : setup.answers.find(([p]) => p.startsWith("PUT /projects"))[1](request),
  });
  await page.goto(`${TEAM}?connect=proj_2k9QdLx7HaYv`);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "연결하기" }).click();
  await expect(dialog.getByText("팀의 Admin 키로 접근할 수 없는 Project ID예요.")).toBeVisible();
  await expect(dialog.getByText("다시 시도하면 연결만 해요.")).toBeVisible();
  await dialog.getByRole("button", { name: "연결하기" }).click();
  await expect(dialog).toBeHidden();
  expect(asked.filter(({ line }) => line === "POST /projects")).toHaveLength(1);
});

test("people join a team and leave it", async ({ page }) => {
  const setup = established();
  await enter(page, setup);
  await page.goto(`${TEAM}?tab=members`);
  await page.getByRole("button", { name: "구성원 추가" }).click();
  const dialog = page.getByRole("dialog");
  // Who is in the team is not offered.
  await expect(dialog.getByLabel("누구를 추가할까요?").getByRole("option")).toHaveText(["골라 주세요", /김지우/, /이하은/]);
  await dialog.getByLabel("누구를 추가할까요?").selectOption({ index: 2 });
  await dialog.getByRole("button", { name: "추가" }).click();
  await expect(page.getByRole("row").filter({ hasText: "이하은" })).toBeVisible();
  await page.getByRole("button", { name: "박서준님 빼기" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "팀에서 빼기" }).click();
  await expect(page.getByRole("row").filter({ hasText: "박서준" })).toHaveCount(0);
});

test("who is on the second page of the people can be chosen, too", async ({ page }) => {
  const setup = established();
  const [first, ...others] = setup.world.people;
  await enter(page, setup, {
    "GET /organization/members": ({ query }) =>
      query.get("cursor") ? { data: others, nextCursor: null } : { data: [first], nextCursor: "second page" },
  });
  await page.goto(`${TEAM}?tab=members&new=member`);
  await expect(page.getByLabel("누구를 추가할까요?").getByRole("option")).toHaveText(["골라 주세요", /김지우/, /이하은/]);
});

test("a team is renamed; one with projects cannot be deleted", async ({ page }) => {
  const setup = established();
  const asked = await enter(page, setup);
  await page.goto(`${TEAM}?tab=settings`);
  await expect(page.getByRole("button", { name: "팀 삭제" })).toBeDisabled();
  await page.getByLabel("팀 이름").fill("그로스팀");
  await page.getByRole("button", { name: "저장" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("그로스팀");

  await page.goto(`/teams/${PLATFORM}?tab=settings`);
  await page.getByRole("button", { name: "팀 삭제" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "팀 삭제" }).click();
  await expect(page).toHaveURL("/teams");
  expect(asked.some(({ line }) => line === `DELETE /teams/${PLATFORM}`)).toBe(true);
});

test("the organization's settings send what was changed alone", async ({ page }) => {
  const asked = await enter(page, established());
  await page.goto("/settings");
  await page.getByLabel("시간대", { exact: true }).selectOption("Europe/Berlin");
  await page.getByLabel("사용 이벤트 보관 기간(일)").fill("0");
  await page.getByRole("button", { name: "저장" }).click();
  await expect(page.getByText("쓸 수 있는 범위를 벗어났어요.")).toBeVisible();
  await page.getByLabel("사용 이벤트 보관 기간(일)").fill("90");
  await page.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "저장했어요")).toBeVisible();
  expect(asked.find(({ line }) => line === "PATCH /organization").body).toEqual({ timeZone: "Europe/Berlin" });
  // Every page follows at once.
  await expect(page.getByRole("button", { name: /통화와 시간대/ })).toContainText(/GMT\+[12]/);
});

test("roles are changed and people removed, but not oneself", async ({ page }) => {
  const asked = await enter(page, established());
  await page.goto("/settings?tab=members");
  await expect(page.getByRole("row").filter({ hasText: "김지우" }).getByRole("button")).toHaveCount(0);
  await page.getByRole("button", { name: "박서준님의 역할 바꾸기" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("역할").selectOption("tenant_admin");
  await expect(dialog.getByText("조직의 모든 팀, 키, 구성원, 설정을 관리해요.")).toBeVisible();
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(page.getByRole("row").filter({ hasText: "박서준" })).toContainText("조직 관리자");
  expect(asked.find(({ line }) => line === `PATCH /organization/members/${COLLEAGUE}`).body).toEqual({ role: "tenant_admin" });
  await page.getByRole("button", { name: "박서준님 내보내기" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "내보내기" }).click();
  await expect(page.getByRole("row").filter({ hasText: "박서준" })).toHaveCount(0);
});

test("an invitation's link is shown once and can be withdrawn", async ({ page }) => {
  const asked = await enter(page, established());
  await page.goto("/settings?tab=members");
  await page.getByRole("button", { name: "초대하기" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("이메일").fill("new@example.com");
  await dialog.getByLabel("함께할 팀").selectOption(MARKETING);
  await dialog.getByRole("button", { name: "초대 링크 만들기" }).click();
  await expect(dialog.getByText("http://localhost:8080/register#invite=fin_inv_secret")).toBeVisible();
  expect(asked.find(({ line }) => line === "POST /invitations").body).toEqual({ email: "new@example.com", role: "user", teamId: MARKETING });
  await dialog.getByRole("button", { name: "확인했어요" }).click();
  expect(await page.content()).not.toContain("fin_inv_secret");
  await page.getByRole("button", { name: "new@example.com 초대 취소" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "초대 취소" }).click();
  await expect(page.getByRole("row").filter({ hasText: "new@example.com" })).toHaveCount(0);
});

test("somebody who was invited joins with the link", async ({ page }) => {
  const member = { ...ME, email: "new@example.com", name: "최민", role: "user" };
  let registered;
  await mock(page, {
    "POST /auth/invitation": (request) =>
      request.postDataJSON().token === "fin_inv_secret" ? { email: "new@example.com", organizationName: "가나다 커머스", role: "user" } : problem(422, "invitation_invalid"),
    "POST /auth/register": (request) => {
      registered = request.postDataJSON();
      return json({ accessToken: "mock", tokenType: "Bearer", expiresIn: 900, user: member }, 201);
    },
  });
  await page.goto("/register#invite=void");
  await expect(page.getByText("더 이상 쓸 수 없는 초대예요")).toBeVisible();

  await page.goto("about:blank");
  await page.goto("/register#invite=fin_inv_secret");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("가나다 커머스에 초대받았어요");
  await expect(page.getByLabel("이메일")).toHaveValue("new@example.com");
  await expect(page.getByLabel("이메일")).toBeDisabled();
  await expect(page.getByLabel("조직 이름")).toHaveCount(0);
  await page.getByLabel("이름").fill("최민");
  await page.getByLabel("비밀번호", { exact: true }).fill("correct horse battery");
  await page.getByRole("button", { name: "가입하기" }).click();
  await expect(page.getByRole("button", { name: "최민님의 계정 메뉴" })).toBeVisible();
  expect(registered).toEqual({ email: "new@example.com", password: "correct horse battery", name: "최민", invitationToken: "fin_inv_secret", locale: "ko" });
});

test("an invitation that is opened while signed in says who one is, and waits for signing out", async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("finops.session", "1"));
  await mock(page, { "POST /auth/invitation": { email: "new@example.com", organizationName: "다라마 은행", role: "user" } });
  await page.goto("/register#invite=fin_inv_secret");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("이미 로그인되어 있어요");
  await expect(page.getByText(`${ME.name}님(${ME.email}) 계정으로 ${ME.organization.name}에 로그인되어 있어요.`)).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((v) => v.id)).toEqual([]);
  await page.getByRole("button", { name: "로그아웃하고 초대 받기" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("다라마 은행에 초대받았어요");
  await expect(page.getByLabel("이메일")).toHaveValue("new@example.com");
});

test("one's own language and password", async ({ page }) => {
  await enter(page, established());
  await page.goto("/settings?tab=security");
  await page.getByLabel("지금 비밀번호").fill("wrong");
  await page.getByLabel("새 비밀번호").fill("short");
  await page.getByRole("button", { name: "비밀번호 바꾸기" }).click();
  await expect(page.getByText("12자 이상 입력해 주세요.")).toBeVisible();
  await page.getByLabel("새 비밀번호").fill("correct horse battery");
  await page.getByRole("button", { name: "비밀번호 바꾸기" }).click();
  await expect(page.getByText("지금 비밀번호가 맞지 않아요.")).toBeVisible();
  await page.getByLabel("지금 비밀번호").fill("the old password");
  await page.getByRole("button", { name: "비밀번호 바꾸기" }).click();
  await expect(toast(page, "비밀번호를 바꿨어요.")).toBeVisible();
  await expect(page.getByLabel("새 비밀번호")).toHaveValue("");

  await page.getByRole("tab", { name: "내 프로필" }).click();
  await page.getByLabel("언어").selectOption("en");
  await page.getByRole("button", { name: "저장" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Settings");
});

test("one signs out everywhere", async ({ page }) => {
  const asked = await enter(page, established());
  await page.goto("/settings?tab=security");
  await page.getByRole("button", { name: "모든 기기에서 로그아웃" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "모든 기기에서 로그아웃" }).click();
  await expect(page).toHaveURL(/^[^?]*\/login/);
  expect(asked.some(({ line }) => line === "DELETE /auth/sessions")).toBe(true);
});

test("the audit log is filtered by the URL and shows before and after", async ({ page }) => {
  const asked = await enter(page, established());
  await page.goto("/audit");
  await page.getByRole("button", { name: /조직 설정을 바꿨어요/ }).click();
  const change = page.getByRole("row").filter({ hasText: "timeZone" });
  await expect(change.getByRole("cell")).toHaveText(["UTC", "Asia/Seoul"]);
  // What did not change is not there.
  await expect(page.getByRole("row").filter({ hasText: "currency" })).toHaveCount(0);
  await expect(page.getByText("2026. 11. 24. 17:15:31")).toBeVisible();

  await page.getByLabel("대상 종류").selectOption("admin_key");
  await expect(page).toHaveURL(/subject=admin_key/);
  await expect(page.getByRole("button", { name: /Admin 키를 교체했어요/ })).toBeVisible();
  await expect(page.getByRole("button", { name: /조직 설정을 바꿨어요/ })).toHaveCount(0);
  await page.getByLabel("시작일").fill("2026-11-24");
  await page.getByLabel("종료일").fill("2026-11-24");
  await expect(page).toHaveURL(/from=2026-11-24.*to=2026-11-24/);
  // A day of Seoul, in UTC, its last instant included.
  await expect.poll(() => asked.at(-1).query).toContain("from=2026-11-23T15%3A00%3A00");
  await expect.poll(() => asked.at(-1).query).toContain("to=2026-11-24T15%3A00%3A00");
  await page.goBack();
  await expect(page.getByLabel("종료일")).toHaveValue("");
  await page.getByRole("button", { name: "필터 지우기" }).click();
  await expect(page).toHaveURL("/audit");

  await page.goto(`/audit?target=${CHATBOT}&subject=team`);
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
});

test("what a member may not do is not offered", async ({ page }) => {
  const setup = established();
  await enter(page, setup, {}, { ...ME, role: "user" });
  await page.goto(TEAM);
  await expect(page.getByText("sk-admin-…abc1")).toBeVisible();
  for (const name of ["지금 수집하기", "지금 확인", "Admin 키 등록", "프로젝트에 연결"]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
  await expect(page.getByRole("tab", { name: "설정" })).toHaveCount(0);
  for (const path of ["/setup", "/audit"]) {
    await page.goto(path);
    await expect(page.getByText("권한이 필요해요")).toBeVisible();
  }
  await page.goto("/settings");
  await expect(page.getByText("조직 설정은 조직 관리자만 바꿀 수 있어요.")).toBeVisible();
});

test("a failure is told where it happened, with its request, and tried again", async ({ page }) => {
  const setup = established();
  let failing = true;
  await enter(page, setup, { "GET /teams/:team/admin-keys": () => (failing ? problem(500, "internal") : { data: setup.world.keys, nextCursor: null }) });
  await page.goto(TEAM);
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  // The rest of the page stands.
  await expect(page.getByText("정상")).toBeVisible();
  failing = false;
  await page.getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByText("sk-admin-…abc1")).toBeVisible();
});

test("a team of somebody else is not there", async ({ page }) => {
  await enter(page, established());
  for (const id of ["01936f00-0000-7000-8000-00000000dead", "nonsense"]) {
    await page.goto(`/teams/${id}`);
    await expect(page.getByText("찾을 수 없어요").first()).toBeVisible();
  }
});

test("the palette finds teams and projects and makes new ones", async ({ page }) => {
  await enter(page, established());
  await page.goto("/teams");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("Control+k");
  const search = page.getByRole("combobox");
  await search.fill("chatbot");
  await expect(page.getByRole("option").first()).toContainText("chatbot-experiment");
  await search.fill("마케");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(TEAM);
  await page.keyboard.press("Control+k");
  await search.fill("admin 키");
  await expect(page.getByRole("option").first()).toContainText("플랫폼팀");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/teams/${PLATFORM}?new=key`);
  await expect(page.getByRole("dialog", { name: "Admin 키 등록" })).toBeVisible();
});

const PAGES = {
  "/setup": "시작하기",
  "/teams": "팀",
  [TEAM]: "team",
  [`${TEAM}?tab=projects`]: "projects of a team",
  [`${TEAM}?tab=members`]: "members of a team",
  [`${TEAM}?tab=settings`]: "settings of a team",
  [`${TEAM}?new=key`]: "registering a key",
  [`${TEAM}?connect=any`]: "connecting a project",
  "/settings": "settings",
  "/settings?tab=members": "members",
  "/settings?tab=members&new=invitation": "inviting",
  "/settings?tab=profile": "profile",
  "/settings?tab=security": "security",
  "/audit": "audit log",
  "/audit?entry=01936f00-0000-7000-8000-0000000000e1": "a change",
};

for (const path of Object.keys(PAGES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const setup = path === "/setup" ? fresh() : established();
      if (path === TEAM) setup.world.keys[1] = adminKey({ id: setup.world.keys[1].id, isActive: false, verification: "pending", verificationReason: "unavailable" });
      await enter(page, setup);
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
        await expect(page.locator(".skeleton")).toHaveCount(0);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = established();
    // Whatever is still Korean then comes from the app.
    const ascii = (value) => JSON.parse(JSON.stringify(value).replace(/[가-힣]+/g, "x"));
    for (const name of Object.keys(english.world)) english.world[name] = ascii(english.world[name]);
    await enter(page, english, {}, { ...ascii(ME), locale: "en" });
    await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator(".skeleton")).toHaveCount(0);
    const text = (await page.locator("body").innerText()).replaceAll("한국어", "");
    expect(text.match(/[^\n]*[가-힣]+[^\n]*/g) ?? []).toEqual([]);
  });
}
