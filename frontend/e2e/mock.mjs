// A small stand-in for the service, inside one page: enough state for the app's own tests. Whether the app and the real
// service fit together is for the journeys to show.

export const ORGANIZATION = {
  id: "01936f00-0000-7000-8000-000000000001",
  name: "가나다 커머스",
  timeZone: "Asia/Seoul",
  currency: "USD",
  fiscalYearStartMonth: 1,
  retentionDays: 90,
  createdAt: "2026-08-01T00:00:00Z",
};

export const ME = {
  id: "01936f00-0000-7000-8000-000000000002",
  email: "finops@example.com",
  name: "김지우",
  role: "admin",
  locale: "ko",
  organization: ORGANIZATION,
  createdAt: "2026-08-01T00:00:00Z",
};

const session = { accessToken: "mock", tokenType: "Bearer", expiresIn: 900, user: ME };

export const problem = (status, code, errors = []) => ({
  status,
  contentType: "application/problem+json",
  body: JSON.stringify({
    type: `/problems/${code}`,
    title: code,
    status,
    code,
    detail: code,
    errors,
    requestId: "01936f00-0000-7000-8000-00000000feed",
  }),
});

export const json = (body, status = 200) => ({ status, contentType: "application/json", body: JSON.stringify(body) });

/** Answers the API in `page`. `answers` maps "GET /path" to what answers it: a value, or a function of the request. */
export async function mock(page, answers = {}) {
  const all = {
    "GET /auth/registration": { mode: "open", firstAccount: false },
    "POST /auth/refresh": session,
    "POST /auth/login": (request) =>
      request.postDataJSON().password === "wrong" ? problem(401, "invalid_credentials") : json(session),
    "POST /auth/register": session,
    "POST /auth/logout": () => ({ status: 204 }),
    "GET /projects": { data: [], nextCursor: null },
    "GET /teams": { data: [], nextCursor: null },
    "GET /alerts": { data: [], nextCursor: null },
    "GET /blocks": { data: [], nextCursor: null },
    ...answers,
  };
  await page.route("**/api/**", async (route) => {
    const request = route.request();
    const { pathname, search } = new URL(request.url());
    const path = pathname.slice("/api".length);
    const answer = all[`${request.method()} ${path}${search}`] ?? all[`${request.method()} ${path}`];
    if (answer === undefined) return route.fulfill(problem(404, "not_found"));
    const made = typeof answer === "function" ? await answer(request) : answer;
    return route.fulfill(made?.status && !made.data ? made : json(made));
  });
}

/** Opens the app as somebody who is signed in. */
export async function signIn(page, answers) {
  await mock(page, answers);
  await page.addInitScript(() => localStorage.setItem("finops.session", "1"));
}
