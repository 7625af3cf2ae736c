// The service that `cargo xtask test` started, a proxy before it that can fail, and a vendor of models.
import { once } from "node:events";
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

import { Finops } from "../dist/index.js";

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test\``);
  return value;
}

/** A test's clients, servers and errors, and a conversation of its own: what it finds its events by. */
export class Bench {
  session = `ts-${randomUUID()}`;
  errors = [];
  #ends = [];

  constructor(test) {
    test.after(async () => {
      for (const end of this.#ends.reverse()) await end();
    });
  }

  /** A client that is quick to try again, so that tests are quick. */
  client(options = {}) {
    const finops = new Finops({ retryDelay: 20, onError: (error) => this.errors.push(error), ...options });
    this.#ends.push(() => finops.close());
    return finops;
  }

  async server(listener) {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#ends.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${server.address().port}`;
  }

  /** A client that reaches the service through a proxy, which fails as told, once a fault. */
  async behind(faults = [], options = {}) {
    const requests = [];
    const baseUrl = await this.server(async (request, response) => {
      const body = await text(request);
      requests.push({ at: performance.now(), body });
      const [fault, headers] = faults.shift() ?? [];
      if (fault === "reset") return request.socket.resetAndDestroy();
      if (typeof fault === "number")
        return response.writeHead(fault, headers).end('{"code":"unavailable","detail":"busy"}');
      const { authorization, "content-type": type = "application/json" } = request.headers;
      const passed = { method: request.method, headers: { authorization, "content-type": type } };
      const answer = await fetch(required("FINOPS_URL") + request.url, body ? { ...passed, body } : passed);
      const told = await answer.text();
      if (fault === "lost") return request.socket.resetAndDestroy();
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(told);
    });
    return { finops: this.client({ baseUrl, ...options }), requests, baseUrl };
  }

  /** A vendor that answers as the documentation shows: what is asked for next, in order. */
  async vendor() {
    const answers = [];
    const requests = [];
    const url = await this.server(async (request, response) => {
      requests.push(JSON.parse(await text(request)));
      const [status, type, body] = answers.shift();
      response.writeHead(status, { "content-type": type }).end(body);
    });
    return {
      url,
      requests,
      json: (body, status = 200) => answers.push([status, "application/json", JSON.stringify(body)]),
      stream: (...parts) => {
        const event = (part) => (part.type ? `event: ${part.type}\n` : "");
        const lines = parts.map((part) =>
          part === "[DONE]" ? "data: [DONE]\n\n" : `${event(part)}data: ${JSON.stringify(part)}\n\n`,
        );
        answers.push([200, "text/event-stream", lines.join("")]);
      },
    };
  }

  /** The events of this test that the service has. */
  async stored() {
    const found = [];
    for (let cursor = ""; cursor !== null;) {
      const query = new URLSearchParams({ sessionId: this.session, limit: "200", ...(cursor && { cursor }) });
      const answer = await fetch(`${required("FINOPS_URL")}/api/usage-events?${query}`, {
        headers: { authorization: `Bearer ${required("FINOPS_API_KEY")}` },
      });
      if (!answer.ok) throw new Error(await answer.text());
      const page = await answer.json();
      found.push(...page.data);
      cursor = page.nextCursor ?? null;
    }
    return found;
  }

  event(fields = {}) {
    return { model: "gpt-4o", promptTokens: 1000, completionTokens: 500, sessionId: this.session, ...fields };
  }
}

async function text(request) {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  return body;
}
