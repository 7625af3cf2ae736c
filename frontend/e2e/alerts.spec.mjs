import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { CHATBOT, enter, MARKETING } from "./admin.mock.mjs";
import { alerted, channel, DEAD, FORECAST, HOOK, PAGER, RETRYING, RUNAWAY, SECRET, SLACK, UNPRICED } from "./alerts.mock.mjs";
import { LIMIT, MONTHLY } from "./budgets.mock.mjs";
import { ME, problem } from "./mock.mjs";
import { fixNow } from "./prices.mock.mjs";

const toast = (page, text) => page.getByRole("region", { name: /알림 메시지|Notices/ }).getByText(text);
const row = (page, text) => page.getByRole("row").filter({ hasText: text });
const entry = (page, name) => page.locator(".key").filter({ hasText: name });
const sent = (asked, line) => asked.filter((one) => one.line === line).map(({ body }) => body);
const last = (asked, line) => asked.findLast((one) => one.line === line)?.query;
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

test("each alert tells what happened, how bad it is, and the next step", async ({ page }) => {
  await enter(page, alerted());
  await page.goto("/");
  await page.getByRole("link", { name: "알림", exact: true }).click();
  const cells = (text) => row(page, text).getByRole("cell");
  await expect(cells("일일 한도 $500 초과")).toHaveText([
    "긴급[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)", "프로젝트 · chatbot-experiment", "$742.00 USD148%", "4분 전", /^확인 전.*지금 차단하기$/,
  ]);
  // What is only expected is not shown as if it had been spent.
  await expect(cells("이대로면")).toHaveText(["주의[가나다 커머스] 이대로면 월 예산 $1,000의 100%를 넘겨요 - 예상 $1,018.35 (101%)", "조직 전체", "$1,018.35 USD101%예상 금액", "6시간 전", /^확인 중/]);
  await expect(cells("가격을 모르는")).toHaveText(["참고[가나다 커머스] 가격을 모르는 호출이 있어요 - openai / gpt-9-preview", "openai · gpt-9-preview", "–", "22시간 전", /^확인 전/]);
  await expect(cells("스테이징")).toHaveText(["초과 임박[스테이징] 월 예산 $500의 90% 도달 - 현재 $455 (91%)", "환경 · 스테이징", "$455.00 USD91%", "4일 전", "해결됨"]);
  await expect(row(page, "일일 한도").getByRole("link", { name: "지금 차단하기" })).toHaveAttribute("href", `/block/project:${CHATBOT}?alert=${RUNAWAY}`);
});

test("an alert is acknowledged and resolved where it is listed", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts");
  await row(page, "가격을 모르는").getByRole("button", { name: /^확인 중으로 바꾸기/ }).click();
  await expect(toast(page, "확인 중으로 바꿨어요.")).toBeVisible();
  await expect(row(page, "가격을 모르는")).toContainText("확인 중");
  await row(page, "가격을 모르는").getByRole("button", { name: /^해결로 바꾸기/ }).click();
  await expect(toast(page, "해결로 바꿨어요.")).toBeVisible();
  await expect(row(page, "가격을 모르는").getByRole("button")).toHaveCount(0);
  expect(asked.filter(({ line }) => line.startsWith(`POST /alerts/${UNPRICED}/`)).map(({ line }) => line.split("/").pop())).toEqual(["acknowledge", "resolve"]);
});

test("what the service refuses is told, and the alert stays as it was", async ({ page }) => {
  await enter(page, alerted(), { "POST /alerts/:alert/resolve": () => problem(503, "unavailable") });
  await page.goto("/alerts");
  await row(page, "이대로면").getByRole("button", { name: /^해결로 바꾸기/ }).click();
  await expect(page.locator(".toast[data-tone=danger]")).toBeVisible();
  await expect(row(page, "이대로면")).toContainText("확인 중");
});

test("the list is narrowed by the URL", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts");
  await page.getByLabel("종류").selectOption("unpriced");
  await expect(page).toHaveURL("/alerts?kind=unpriced");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByLabel("상태").selectOption("resolved");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
  expect(last(asked, "GET /alerts")).toBe("status=resolved&kind=unpriced");
  await page.getByRole("button", { name: "필터 지우기" }).first().click();
  await expect(page).toHaveURL("/alerts");
  await page.goto(`/alerts?budgetId=${LIMIT}`);
  await expect(page.getByText("한 예산의 알림만 보고 있어요.")).toBeVisible();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  // Another tab does not keep what narrowed this one.
  await page.getByRole("tab", { name: "규칙" }).click();
  await expect(page).toHaveURL("/alerts?tab=rules");
});

test("one alert says what was told, why it is likely so, and who was told", async ({ page }) => {
  await enter(page, alerted());
  await page.goto("/alerts");
  await page.getByRole("link", { name: /일일 한도 \$500/ }).click();
  await expect(page).toHaveURL(`/alerts/${RUNAWAY}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)");
  const figures = page.getByRole("region", { name: "주요 수치" });
  for (const text of ["148%", "$500.00 중", "1,384%", "평소 $50.00", "45,000", "평소의 15배", "평소 3,000건"]) await expect(figures).toContainText(text);
  // Three figures fill their card.
  const boxes = await figures.locator(".stat").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
  expect(Math.abs(boxes.at(-1) - (await figures.evaluate((card) => card.getBoundingClientRect().right)))).toBeLessThan(3);
  await expect(page.getByRole("region", { name: "알림 내용" })).toContainText("오늘 $742, 평소($50) 대비 1,384% 증가");
  const cause = page.getByRole("region", { name: "유력한 원인" });
  await expect(cause).toContainText("gpt-5.4$701.50 USD · 평소 $41.20 USD · 평소의 17배");
  // Nothing was usual about the service: no multiple of nothing.
  await expect(cause.locator("dd").last()).toHaveText("chatbot$690.00 USD");
  const facts = page.getByRole("region", { name: "알림 정보" });
  await expect(facts.getByRole("link", { name: "chatbot-experiment" }).first()).toHaveAttribute("href", `/projects/${CHATBOT}`);
  await expect(facts.getByRole("link", { name: "마케팅팀" })).toHaveAttribute("href", `/teams/${MARKETING}`);
  await expect(facts.locator("dt")).toHaveText(["심각도", "상태", "종류", "팀", "프로젝트", "예산", "기준", "할 일", "알린 때"]);
  await expect(page.getByRole("region", { name: "전달 기록" }).locator("tbody tr")).toHaveCount(5);
  await page.getByRole("button", { name: "확인했어요" }).click();
  await expect(facts).toContainText("김지우 · 2026. 11. 24. 18:00");
  await expect(page.getByRole("button", { name: "확인했어요" })).toHaveCount(0);
  await page.getByRole("link", { name: "지금 차단하기" }).click();
  await expect(page).toHaveURL(`/block/project:${CHATBOT}?alert=${RUNAWAY}`);
});

test("calls without a price lead to the price book; an alert that is not there says so", async ({ page }) => {
  await enter(page, alerted());
  await page.goto(`/alerts/${UNPRICED}`);
  await expect(page.getByRole("region", { name: "주요 수치" })).toContainText("120최근 7일");
  await expect(page.getByRole("link", { name: "가격 추가하기" })).toHaveAttribute("href", "/pricebook?tab=unpriced");
  await expect(page.getByRole("link", { name: "지금 차단하기" })).toHaveCount(0);
  for (const missing of ["01936f00-0000-7000-8000-00000000dead", "nothing"]) {
    await page.goto(`/alerts/${missing}`);
    await expect(page.getByText("찾을 수 없어요")).toBeVisible();
  }
});

test("rules say what is told when, and are tried", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts?tab=rules");
  const first = row(page, "2026년 AI 예산");
  await expect(first).toContainText("50% → 이메일80% → 이메일+Slack예상 금액 100% → 이메일+Slack");
  await first.getByRole("button", { name: "2026년 AI 예산 테스트 알림 보내기" }).click();
  await expect(toast(page, "테스트 알림 2건을 보내고 있어요.")).toBeVisible();
  expect(sent(asked, "POST /alerts/test")).toEqual([{ budgetId: MONTHLY }]);
  // Without a threshold nothing can be crossed, and nothing tried.
  await expect(row(page, "튜터 서비스")).toContainText("정한 기준이 없어요.");
  await expect(row(page, "튜터 서비스").getByRole("button")).toHaveCount(0);
});

test("telling of calls without a price is switched and directed; what fails is not shown as done", async ({ page }) => {
  let failing = false;
  const setup = alerted();
  const answer = setup.answers.find(([line]) => line === "PUT /alerts/rules")[1];
  const asked = await enter(page, setup, { "PUT /alerts/rules": (request) => (failing ? problem(503, "unavailable") : answer(request)) });
  await page.goto("/alerts?tab=rules");
  const how = page.getByLabel("알리는 방법");
  const on = page.getByRole("switch", { name: "가격 없는 호출이 생기면 알리기" });
  await expect(how.getByRole("option", { name: "호출 차단" })).toHaveCount(0);
  await how.selectOption("slack");
  await expect(toast(page, "저장했어요")).toBeVisible();
  failing = true;
  await how.selectOption("sms");
  await expect(page.locator(".toast[data-tone=danger]")).toHaveCount(1);
  await expect(how).toHaveValue("slack");
  await on.click();
  await expect(page.locator(".toast[data-tone=danger]")).toHaveCount(2);
  await expect(on).toBeChecked();
  failing = false;
  await on.click();
  await expect(on).not.toBeChecked();
  await expect(how).toHaveCount(0);
  expect(sent(asked, "PUT /alerts/rules")).toEqual([
    { kind: "unpriced", enabled: true, type: "slack" }, { kind: "unpriced", enabled: true, type: "sms" },
    { kind: "unpriced", enabled: false, type: "slack" }, { kind: "unpriced", enabled: false, type: "slack" },
  ]);
});

test("channels say how they do, those that need somebody first", async ({ page }) => {
  await enter(page, alerted());
  await page.goto("/alerts?tab=channels");
  await expect(page.locator(".key-head .strong")).toHaveText(["온콜", "정산 시스템", "FinOps Slack", "재무팀", "당직", "SLACK_WEBHOOK_URL"]);
  await expect(entry(page, "온콜")).toContainText("2026. 11. 20. 16:00부터 전달되지 않아요. 받는 쪽이 키나 비밀번호를 거부했어요. 고친 뒤 다시 켜 주세요.");
  await expect(entry(page, "정산 시스템")).toContainText("자동으로 다시 보내고 있어요.");
  await expect(entry(page, "정산 시스템")).toContainText("마케팅팀의 알림만 받아요.");
  await expect(entry(page, "재무팀")).toContainText("finance@example.com, controller@example.com");
  // What the service's own settings brought is tried, and not changed.
  await expect(entry(page, "SLACK_WEBHOOK_URL").getByRole("button")).toHaveCount(1);
  // Few are not searched.
  await expect(page.getByLabel("채널 찾기")).toHaveCount(0);
});

test("a channel is tried, and what the other side said is shown", async ({ page }) => {
  await enter(page, alerted());
  await page.goto("/alerts?tab=channels");
  await entry(page, "FinOps Slack").getByRole("button", { name: "FinOps Slack 테스트" }).click();
  const dialog = page.getByRole("dialog", { name: "FinOps Slack 테스트" });
  await expect(dialog).toContainText("전달됐어요.");
  await dialog.getByRole("button", { name: "닫기" }).click();
  await entry(page, "정산 시스템").getByRole("button", { name: "정산 시스템 테스트" }).click();
  const failed = page.getByRole("dialog", { name: "정산 시스템 테스트" });
  await expect(failed).toContainText("전달되지 않았어요.");
  await expect(failed).toContainText("503 · 182 ms");
  await expect(failed).toContainText("upstream connect error");
});

test("a webhook is added, and its secret is shown once", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts?tab=channels");
  await page.getByRole("link", { name: "채널 추가" }).click();
  const dialog = page.getByRole("dialog", { name: "채널 추가" });
  await dialog.getByLabel("방식").selectOption("webhook");
  await expect(dialog.getByText("‘웹훅’으로 정한 기준과, 그 알림의 확인과 해결을 알려요.")).toBeVisible();
  await dialog.getByRole("button", { name: "채널 추가" }).click();
  await expect(dialog.getByLabel("이름")).toBeFocused();
  await expect(dialog.getByLabel("URL")).toHaveAttribute("aria-invalid", "true");
  expect(sent(asked, "POST /channels")).toEqual([]);
  await dialog.getByLabel("이름").fill("청구 시스템");
  await dialog.getByLabel("URL").fill("https://billing.example.com/hooks/42");
  await dialog.getByLabel("누구의 알림").selectOption(MARKETING);
  await dialog.getByRole("button", { name: "채널 추가" }).click();
  const shown = page.getByRole("dialog", { name: "웹훅 시크릿" });
  await expect(shown).toContainText(SECRET);
  await shown.getByRole("button", { name: "보관했어요" }).click();
  await expect(entry(page, "청구 시스템")).toContainText("https://billing.example.com/…s/42");
  await expect(page.locator("body")).not.toContainText(SECRET);
  expect(sent(asked, "POST /channels")).toEqual([{ type: "webhook", name: "청구 시스템", locale: "ko", teamId: MARKETING, url: "https://billing.example.com/hooks/42" }]);
  await expect(page).toHaveURL("/alerts?tab=channels");
});

test("what the service refuses of a channel is told at its field", async ({ page }) => {
  const refusals = [
    [{ pointer: "/url", code: "private_address", message: "is private" }],
    [{ pointer: "/numbers/1", code: "telephone_number", message: "is no number" }],
    [{ pointer: "/routingKey", code: "format", message: "is no key" }],
    [{ pointer: "/smtp/host", code: "local_name", message: "is local" }],
  ];
  await enter(page, alerted(), { "POST /channels": () => problem(422, "validation_failed", refusals.shift()) });
  await page.goto("/alerts?tab=channels&new=channel");
  const dialog = page.getByRole("dialog");
  const submit = dialog.getByRole("button", { name: "채널 추가" });
  await dialog.getByLabel("이름").fill("새 채널");
  await dialog.getByLabel("URL").fill("https://10.0.0.1/hook");
  await submit.click();
  await expect(dialog.getByText("내부 네트워크 주소는 쓸 수 없어요.")).toBeVisible();
  await dialog.getByLabel("방식").selectOption("sms");
  await dialog.getByLabel("전화번호").fill("+821012345678\n12");
  await submit.click();
  await expect(dialog.getByText("2번째: +와 국가 번호로 시작하는 번호를 적어 주세요.")).toBeVisible();
  await dialog.getByLabel("방식").selectOption("pagerduty");
  await dialog.getByLabel("Integration Key", { exact: true }).fill("short");
  await submit.click();
  await expect(dialog.getByText("영문과 숫자 32자여야 해요.")).toBeVisible();
  await dialog.getByLabel("방식").selectOption("email");
  await dialog.getByLabel("받는 주소").fill("a@example.com");
  await dialog.getByLabel("보내는 방법").selectOption("smtp");
  await submit.click();
  await expect(dialog.getByLabel("메일 서버", { exact: true })).toBeFocused();
  await dialog.getByLabel("메일 서버", { exact: true }).fill("localhost");
  await dialog.getByLabel("보내는 주소").fill("a@example.com");
  await submit.click();
  await expect(dialog.getByText("내부 네트워크 주소는 쓸 수 없어요.")).toBeVisible();
});

test("mail and text messages go by accounts of our own, whose keys are kept", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts?tab=channels&new=channel");
  const dialog = page.getByRole("dialog");
  const submit = dialog.getByRole("button", { name: "채널 추가" });
  await dialog.getByLabel("이름").fill("우리 Resend");
  await dialog.getByLabel("방식").selectOption("email");
  await dialog.getByLabel("받는 주소").fill("a@example.com");
  await dialog.getByLabel("보내는 방법").selectOption("resend");
  await submit.click();
  await expect(dialog.getByLabel("API 키", { exact: true })).toBeFocused();
  await dialog.getByLabel("API 키", { exact: true }).fill("re_0123456789a1B2");
  await dialog.getByLabel("보내는 주소").fill("FinOps <alerts@example.com>");
  await submit.click();
  await expect(entry(page, "우리 Resend")).toContainText("Resend");
  await expect(page.locator("body")).not.toContainText("re_0123456789");
  // Text messages have Twilio alone, with the account's id.
  await page.goto("/alerts?tab=channels&new=channel");
  await dialog.getByLabel("이름").fill("당직 문자");
  await dialog.getByLabel("방식").selectOption("sms");
  await dialog.getByLabel("전화번호").fill("+821012345678");
  await dialog.getByLabel("보내는 방법").selectOption("twilio");
  await dialog.getByLabel("Account SID", { exact: true }).fill(`AC${"0".repeat(32)}`);
  await dialog.getByLabel("Auth Token", { exact: true }).fill("0".repeat(32));
  await dialog.getByLabel("발신 번호").fill("+15005550006");
  await submit.click();
  await expect(entry(page, "당직 문자")).toContainText("Twilio");
  expect(sent(asked, "POST /channels").map(({ account }) => account)).toEqual([
    { carrier: "resend", key: "re_0123456789a1B2", from: "FinOps <alerts@example.com>" },
    { carrier: "twilio", accountSid: `AC${"0".repeat(32)}`, key: "0".repeat(32), from: "+15005550006" },
  ]);
  // Another sender, the same key.
  await page.getByRole("button", { name: "우리 Resend 채널 작업" }).click();
  await page.getByRole("menuitem", { name: "수정" }).click();
  const change = page.getByRole("dialog", { name: "채널 수정" });
  await expect(change.getByText("지금 값은 …a1B2예요. 비워 두면 그대로 써요.")).toBeVisible();
  await change.getByLabel("보내는 주소").fill("other@example.com");
  await change.getByRole("button", { name: "저장" }).click();
  await expect(change).toBeHidden();
  const [{ account }] = asked.filter(({ line }) => line.startsWith("PATCH /channels/")).map(({ body }) => body);
  expect(account).toEqual({ carrier: "resend", from: "other@example.com" });
});

test("a channel is changed without its secret, switched, given another secret, and deleted", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts?tab=channels");
  const menu = async (name, item) => {
    await page.getByRole("button", { name: `${name} 채널 작업` }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await menu("정산 시스템", "수정");
  const dialog = page.getByRole("dialog", { name: "채널 수정" });
  await expect(dialog.getByText("지금 값은 https://hooks.example.com/…c81d예요. 비워 두면 그대로 써요.")).toBeVisible();
  await dialog.getByLabel("이름").fill("정산");
  await dialog.getByRole("button", { name: "저장" }).click();
  await expect(toast(page, "‘정산’ 채널을 바꿨어요.")).toBeVisible();
  expect(sent(asked, `PATCH /channels/${HOOK}`)).toEqual([{ name: "정산" }]);
  await menu("온콜", "다시 켜기");
  await expect(toast(page, "‘온콜’ 채널을 켰어요.")).toBeVisible();
  await expect(entry(page, "온콜")).toContainText("정상");
  await menu("온콜", "끄기");
  await expect(entry(page, "온콜")).toContainText("꺼짐");
  expect(sent(asked, `PATCH /channels/${PAGER}`)).toEqual([{ enabled: true }, { enabled: false }]);
  await menu("정산", "시크릿 교체");
  const rotate = page.getByRole("alertdialog", { name: "‘정산’의 시크릿을 교체할까요?" });
  await expect(rotate.getByRole("button", { name: "그대로 두기" })).toBeFocused();
  await rotate.getByRole("button", { name: "시크릿 교체" }).click();
  await page.getByRole("dialog", { name: "웹훅 시크릿" }).getByRole("button", { name: "보관했어요" }).click();
  await expect(entry(page, "정산").first()).toContainText("이전 시크릿 사용 기한");
  await menu("FinOps Slack", "삭제");
  await page.getByRole("alertdialog").getByRole("button", { name: "삭제" }).click();
  await expect(toast(page, "‘FinOps Slack’ 채널을 삭제했어요.")).toBeVisible();
  await expect(entry(page, "FinOps Slack")).toHaveCount(0);
});

test("five hundred channels are read to the end, and searched", async ({ page }) => {
  const setup = alerted();
  setup.world.channels = Array.from({ length: 500 }, (_, n) =>
    channel(`01936f00-0000-7000-8000-${(0xc0000 + n).toString(16).padStart(12, "0")}`, "email", `채널 ${n + 1}`, { addresses: Array.from({ length: 20 }, (_, i) => `person${i}@team${n}.example.com`) }));
  const asked = await enter(page, setup);
  await page.goto("/alerts?tab=channels");
  await expect(page.locator(".key")).toHaveCount(500);
  expect(asked.filter(({ line }) => line === "GET /channels").map(({ query }) => query)).toEqual(["limit=200", "limit=200&cursor=200", "limit=200&cursor=400"]);
  await expect(page.locator(".key").first()).toContainText("person3@team0.example.com 외 16개");
  await page.getByLabel("채널 찾기").fill("team499.");
  await expect(page.locator(".key")).toHaveCount(1);
  await expect(page).toHaveURL("/alerts?tab=channels&name=team499.");
  await expect(page.getByLabel("채널 찾기")).toBeFocused();
  await page.getByLabel("채널 찾기").fill("없는 것");
  await expect(page.getByText("조건에 맞는 결과가 없어요")).toBeVisible();
});

test("each message is followed attempt by attempt, and what was given up is sent again", async ({ page }) => {
  const asked = await enter(page, alerted());
  await page.goto("/alerts?tab=deliveries");
  await expect(page.locator("tbody tr")).toHaveCount(7);
  await expect(row(page, "owner@example.com")).toContainText("맞는 채널이 없어 관리자에게 메일로 보냈어요");
  await expect(row(page, "예전 당직 (삭제됨)")).toContainText("모으는 중");
  await row(page, "정산 시스템").getByRole("link", { name: "알림 발생" }).click();
  await expect(page).toHaveURL(`/alerts?tab=deliveries&delivery=${RETRYING}`);
  const drawer = page.getByRole("dialog", { name: "메시지" });
  await expect(drawer).toContainText("받는 쪽이 응답하지 않았어요. 다음 시도는 2026. 11. 24. 18:02:11이에요.");
  await expect(drawer.getByRole("listitem")).toHaveText([
    /^1\.중단됨/, /^2\.실패2026\. 11\. 24\. 17:56:02429 · 182 ms받는 쪽의 요청 한도에 걸렸어요\.slow down, please30초 기다려 달라고 했어요\.$/, /^3\.실패.*timeout · 10,000 ms받는 쪽이 응답하지 않았어요\.$/,
  ]);
  await expect(drawer.getByRole("button", { name: "다시 보내기" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL("/alerts?tab=deliveries");
  await page.getByLabel("상태").selectOption("dead");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  expect(last(asked, "GET /deliveries")).toBe("status=dead");
  await page.getByLabel("상태").selectOption("");
  await row(page, "온콜").getByRole("button", { name: /^다시 보내기/ }).click();
  await expect(toast(page, "다시 보내고 있어요.")).toBeVisible();
  await expect(row(page, "온콜")).toContainText("보내기 전");
  expect(asked.filter(({ line }) => line === `POST /deliveries/${DEAD}/resend`)).toHaveLength(1);
  await page.getByLabel("채널").selectOption(SLACK);
  await expect(page.locator("tbody tr")).toHaveCount(3);
});

test("who only reads sees alerts and rules, and may say that they are at it", async ({ page }) => {
  await enter(page, alerted(), {}, { ...ME, role: "user" });
  await page.goto("/alerts?tab=channels");
  await expect(page.getByRole("tab")).toHaveText(["알림", "규칙"]);
  await expect(page.getByRole("tab", { name: "알림" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("link", { name: /추가|차단하기/ })).toHaveCount(0);
  await row(page, "가격을 모르는").getByRole("button", { name: /^확인 중으로/ }).click();
  await expect(toast(page, "확인 중으로 바꿨어요.")).toBeVisible();
  await page.getByRole("tab", { name: "규칙" }).click();
  await expect(page.getByText("켜짐 · 이메일+Slack")).toBeVisible();
  await expect(page.getByRole("switch")).toHaveCount(0);
  await page.goto(`/alerts/${RUNAWAY}`);
  await expect(page.getByRole("button", { name: "해결했어요" })).toBeVisible();
  for (const name of ["지금 차단하기", "전체 보기"]) await expect(page.getByRole("link", { name })).toHaveCount(0);
});

test("nothing yet says what comes next; late costs and missing rights say so", async ({ page, context }) => {
  const setup = alerted();
  Object.assign(setup.world, { alerts: [], channels: [], deliveries: [] });
  await enter(page, setup);
  await page.goto("/alerts");
  await expect(page.getByText("아직 알림이 없어요")).toBeVisible();
  await page.locator(".state").getByRole("link", { name: "채널 추가" }).click();
  await expect(page.getByRole("dialog", { name: "채널 추가" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("아직 채널이 없어요")).toBeVisible();
  await page.goto("/alerts?tab=deliveries");
  await expect(page.getByText("아직 보낸 메시지가 없어요")).toBeVisible();
  setup.world.summary.freshness.staleTeams = [{ id: MARKETING, name: "마케팅팀" }];
  await page.goto("/alerts");
  await expect(page.getByText("일부 팀의 비용 수집이 실패해서")).toBeVisible();
  await context.clearCookies();
  setup.world.projects = [];
  const reader = await context.newPage();
  await fixNow(reader, "2026-11-24T09:00:00Z");
  await enter(reader, setup, {}, { ...ME, role: "user" });
  await reader.goto("/alerts");
  await expect(reader.getByText("속한 팀이나 프로젝트가 없어요.")).toBeVisible();
});

test("what cannot be read says so by section, and is tried again", async ({ page }) => {
  let failing = true;
  const setup = alerted();
  const answer = setup.answers.find(([line]) => line === "GET /alerts/rules")[1];
  await enter(page, setup, { "GET /alerts/rules": (asked) => (failing ? problem(500, "internal") : answer(asked)) });
  await page.goto("/alerts?tab=rules");
  await expect(row(page, "2026년 AI 예산")).toBeVisible();
  await expect(page.getByText("01936f00-0000-7000-8000-00000000feed")).toBeVisible();
  failing = false;
  await page.getByRole("alert").getByRole("button", { name: "다시 시도하기" }).click();
  await expect(page.getByRole("switch")).toBeChecked();
});

test("another language asks anew for what is told in it", async ({ page }) => {
  const setup = alerted();
  await enter(page, setup);
  await page.goto("/alerts");
  await settled(page);
  for (const one of setup.world.alerts) one.subject = `In English: ${one.id.slice(-1)}`;
  await page.getByRole("button", { name: "김지우님의 계정 메뉴" }).click();
  await page.getByRole("menuitemradio", { name: "English" }).click();
  await expect(page.getByRole("link", { name: "In English: 1" })).toBeVisible();
  await expect(row(page, "In English: 1")).toContainText("Block now");
});

test("the tabs are walked with the keyboard", async ({ page }) => {
  await enter(page, alerted());
  await page.goto("/alerts");
  await page.getByRole("tab", { name: "알림" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL("/alerts?tab=rules");
  await expect(page.getByRole("tab", { name: "규칙" })).toBeFocused();
  await page.keyboard.press("End");
  await expect(page).toHaveURL("/alerts?tab=deliveries");
});

const PAGES = [
  "/alerts", "/alerts?tab=rules", "/alerts?tab=channels", "/alerts?tab=deliveries", `/alerts?tab=deliveries&delivery=${RETRYING}`, "/alerts?tab=channels&new=channel",
  `/alerts/${RUNAWAY}`, `/alerts/${FORECAST}`, `/alerts/${UNPRICED}`,
];

for (const path of PAGES) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${path} is accessible in ${colorScheme}, at any width`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await enter(page, alerted());
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(path);
        await settled(page);
        if (/delivery=|new=/.test(path)) await expect(page.getByRole("dialog")).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])).toEqual([]);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(beyond).toBe(0);
      }
    });
  }

  test(`${path} speaks English`, async ({ page }) => {
    const english = alerted();
    // Whatever is still Korean then comes from the app.
    const ascii = (value) => JSON.parse(JSON.stringify(value).replace(/[가-힣]+/g, "x"));
    for (const name of Object.keys(english.world)) english.world[name] = ascii(english.world[name]);
    const detail = english.answers.find(([line]) => line === "GET /deliveries/:delivery")[1];
    await enter(page, english, { "GET /deliveries/:delivery": (asked) => ascii(detail(asked)) }, { ...ascii(ME), locale: "en" });
    await page.addInitScript(() => localStorage.setItem("finops.locale", "en"));
    await page.goto(path);
    await settled(page);
    const text = (await page.locator("body").innerText()).replaceAll("한국어", "");
    expect(text.match(/[^\n]*[가-힣]+[^\n]*/g) ?? []).toEqual([]);
  });
}

test("long names find room at any width", async ({ page }) => {
  const setup = alerted();
  const long = "아주 긴 이름이 여기에 끝없이 이어져요 super-long-unbreakable-identifier-that-never-ends-0123456789";
  for (const one of setup.world.alerts) Object.assign(one, { subject: long }, one.scope?.type === "project" && { scope: { ...one.scope, name: long } });
  for (const one of setup.world.channels) one.name = long;
  for (const one of setup.world.deliveries) one.subject = long;
  await enter(page, setup);
  for (const width of [1440, 360]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of PAGES) {
      await page.goto(path);
      await settled(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), `${path} at ${width}`).toBe(0);
    }
  }
});
