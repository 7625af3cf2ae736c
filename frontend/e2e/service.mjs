// The real thing: the service and the outside world as processes, on a database of their own. `cargo xtask test` says
// where they are.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const SECRET = Buffer.alloc(32, 7).toString("base64");

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test\``);
  return value;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ended(child, name) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))));
  });
}

async function simulator() {
  const child = spawn(required("SIMULATOR_BIN"), ["--preset", "demo"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", () => reject(new Error("the simulator did not start")));
  });
  return { child, ...JSON.parse(line) };
}

/** Starts it; `stop` ends it. */
export async function start() {
  const world = await simulator();
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = {
    PATH: process.env.PATH,
    FINOPS_ENV: "development",
    HOST: "127.0.0.1",
    PORT: String(port),
    PUBLIC_URL: url,
    DATABASE_URL: required("DATABASE_URL"),
    APP_DIR: required("APP_DIR"),
    OPENAI_BASE_URL: world.openaiBaseUrl,
    OUTBOUND_ALLOW: new URL(world.baseUrl).host,
    JWT_SECRET: SECRET,
    ENCRYPTION_KEY: SECRET,
    REGISTRATION: "open",
    RUST_LOG: "warn",
  };
  const finops = required("FINOPS_BIN");
  await ended(spawn(finops, ["migrate"], { env, stdio: "inherit" }), "finops migrate");
  const service = spawn(finops, ["serve"], { env, stdio: "inherit" });
  const until = Date.now() + 30_000;
  const ready = () => fetch(`${url}/ready`).then((answer) => answer.ok, () => false);
  while (!(await ready())) {
    if (Date.now() > until || service.exitCode !== null) throw new Error("the service did not become ready");
  }
  return {
    url,
    /** What one of the simulated organizations was billed. */
    truth: async (organization, query) =>
      (await fetch(`${world.baseUrl}/_sim/organizations/${organization}/truth?${new URLSearchParams(query)}`)).json(),
    /** Slack's incoming webhook. */
    slack: world.slackWebhookUrl,
    /** What Slack took, once there is so much, or after some seconds. */
    messages: async (count, wait) =>
      (await (await fetch(`${world.baseUrl}/_sim/inbox/slack?count=${count}&wait=${wait}`)).json()).data,
    /** A project's limits at the provider, and since when they stop it. */
    limits: async (organization, project) =>
      (await fetch(`${world.baseUrl}/_sim/organizations/${organization}/projects/${project}/limits`)).json(),
    organization: async (id) =>
      (await (await fetch(`${world.baseUrl}/_sim/organizations`)).json()).data.find((organization) => organization.id === id),
    stop: async () => {
      service.kill("SIGTERM");
      world.child.kill("SIGTERM");
      await Promise.allSettled([ended(service, "finops"), ended(world.child, "the simulator")]);
    },
  };
}
