// Serves the built app as the service does: the same Content-Security-Policy, the same fallback to index.html. The API
// is answered inside each test (see mock.mjs), so what nobody answered there is a 404 here.
import { createServer } from "node:http";
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, join, normalize } from "node:path";

const root = process.env.APP_DIR;
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

createServer((request, response) => {
  const path = normalize(new URL(request.url, "http://local").pathname);
  if (path.startsWith("/api/")) {
    response.writeHead(404, { "content-type": "application/problem+json" });
    return response.end('{"type":"about:blank","title":"not mocked","status":404,"code":"not_found"}');
  }
  let file = join(root, path);
  if (!existsSync(file) || !statSync(file).isFile()) file = join(root, "index.html");
  const { scriptHashes } = JSON.parse(readFileSync(join(root, "csp.json"), "utf8"));
  const script = ["'self'", "'wasm-unsafe-eval'", ...scriptHashes.map((hash) => `'${hash}'`)].join(" ");
  const headers = {
    "content-type": types[extname(file)] ?? "application/octet-stream",
    "content-security-policy": `default-src 'self'; script-src ${script}; style-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'`,
  };
  const packed = `${file}.br`;
  if (/\bbr\b/.test(request.headers["accept-encoding"] ?? "") && existsSync(packed)) {
    headers["content-encoding"] = "br";
    file = packed;
  }
  response.writeHead(200, headers);
  response.end(readFileSync(file));
}).listen(Number(process.env.E2E_PORT), "127.0.0.1");
