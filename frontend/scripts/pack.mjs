// Packs what wasm-bindgen made into what the service serves: `node scripts/pack.mjs <bound> <dist> [--dev]`.
//
// Every file but index.html and csp.json is named by its content and never changes, so that the service may say
// `immutable`. `.br` and `.gz` lie beside each: nothing is compressed while somebody waits.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { fonts } from "./fonts.mjs";
import { binaryen, pieces } from "./pieces.mjs";

const [bound, dist] = process.argv.slice(2);
const dev = process.argv.includes("--dev");
const fresh = `${dist}.new`;
const assets = join(fresh, "assets");
rmSync(fresh, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });

const stamp = (data) => createHash("sha256").update(data).digest("hex").slice(0, 12);

// What rustc emits for wasm32 and every browser of 2022 knows; `--all-features` would use what browsers refuse.
const FEATURES = [
  "bulk-memory", "bulk-memory-opt", "call-indirect-overlong", "multivalue", "mutable-globals",
  "nontrapping-float-to-int", "reference-types", "sign-ext",
].map((name) => `--enable-${name}`);

// A function that is called once and is large compresses better on its own than within its caller.
const INLINE = ["--one-caller-inline-max-function-size=20", "--flexible-inline-max-function-size=0"];

/** Writes a file under a name that says what is in it; answers its address. */
function put(name, extension, data) {
  const file = `${name}-${stamp(data)}.${extension}`;
  writeFileSync(join(assets, file), data);
  return `/assets/${file}`;
}

/** Puts a module where it is served from, optimised; answers its address. */
function pack(name, wasm) {
  if (dev) return put(name, "wasm", readFileSync(wasm));
  const optimised = wasm.replace(/\.wasm$/, ".opt");
  binaryen("wasm-opt", ["-Oz", ...INLINE, "--converge", "--strip-debug", ...FEATURES, wasm, "-o", optimised]);
  return put(name, "wasm", readFileSync(optimised));
}

const wasmUrl = pack("app", join(bound, "app_bg.wasm"));
pieces(bound, FEATURES, pack);

// The JavaScript that loads it. wasm-bindgen names the wasm by its own name; ours is passed in from boot.js.
const boot = `import init from "./app.js";\ninit({ module_or_path: ${JSON.stringify(wasmUrl)} });\n`;
writeFileSync(join(bound, "boot.js"), boot);
const script = await build({
  entryPoints: [join(bound, "boot.js")],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: !dev,
  write: false,
  logLevel: "error",
  legalComments: "none",
  define: { "import.meta.url": '"/"' },
});
const scriptUrl = put("app", "js", script.outputFiles[0].contents);

/** Writes spaces and radii where they are used: no theme changes them, and `16px` is a third of `var(--s-16)`. */
function constantsWritten(css) {
  const constants = new Map();
  const without = css.replace(/(--[sr]-\d+):\s*(\d+px);?/g, (_, name, value) => {
    if (constants.has(name)) throw new Error(`${name} is no constant`);
    constants.set(name, value);
    return "";
  });
  // The minifier leaves the blanks in the values of custom properties.
  const lean = without.replace(/(--[\w-]+): ([^;}]*)/g, (_, name, value) => `${name}:${value.replaceAll(", ", ",")}`);
  return lean.replace(/var\((--[sr]-\d+)\)/g, (_, name) => constants.get(name));
}

// Fonts first, because the style sheet names them.
const fontUrls = {};
for (const [name, data] of await fonts(join(dist, "..", "fonts"))) {
  fontUrls[`/assets/${name}.woff2`] = put(name, "woff2", data);
}
const sheet = await build({
  entryPoints: ["style/main.css"],
  bundle: true,
  minify: !dev,
  write: false,
  logLevel: "error",
  target: ["chrome123", "firefox121", "safari17.5"],
  external: ["/assets/*"],
});
let css = sheet.outputFiles[0].text;
for (const [plain, stamped] of Object.entries(fontUrls)) css = css.replaceAll(plain, stamped);
if (!dev) css = constantsWritten(css);
const cssUrl = put("app", "css", css);
const iconUrl = put("icon", "svg", readFileSync("public/icon.svg"));

// The shell. Its one inline script is named to the Content-Security-Policy by its hash.
let html = readFileSync("index.html", "utf8");
const values = {
  CSS: cssUrl,
  JS: scriptUrl,
  WASM: wasmUrl,
  ICON: iconUrl,
  FONT_400: fontUrls["/assets/core-400.woff2"],
  FONT_600: fontUrls["/assets/core-600.woff2"],
};
html = html.replace(/__([A-Z0-9_]+?)__/g, (all, name) => values[name] ?? all);
const hashes = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
  ([, text]) => `sha256-${createHash("sha256").update(text).digest("base64")}`,
);
writeFileSync(join(fresh, "index.html"), html);
writeFileSync(join(fresh, "csp.json"), `${JSON.stringify({ scriptHashes: hashes })}\n`);

// ReDoc, which the service's page at /redoc loads from here: nobody else learns who reads the documentation.
const vendor = join(fresh, "vendor");
mkdirSync(vendor);
const redoc = join(vendor, "redoc.standalone.js");
copyFileSync("node_modules/redoc/bundles/redoc.standalone.js", redoc);

// Fonts and images are compressed already.
const sizes = [];
for (const file of [join(fresh, "index.html"), redoc, ...readdirSync(assets).map((f) => join(assets, f))]) {
  if (!/\.(wasm|js|css|svg|html)$/.test(file)) continue;
  const data = readFileSync(file);
  const quality = dev ? 4 : 11;
  const brotli = brotliCompressSync(data, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
      // Short distances written out: what repeats in wasm repeats close by.
      [constants.BROTLI_PARAM_NDIRECT]: 15,
    },
  });
  writeFileSync(`${file}.br`, brotli);
  writeFileSync(`${file}.gz`, gzipSync(data, { level: dev ? 1 : 9 }));
  sizes.push(`${file.slice(fresh.length + 1)} ${data.length} (${brotli.length} br)`);
}

// The new directory takes the old one's place; a reader in between sees one or the other.
const old = `${dist}.old`;
rmSync(old, { recursive: true, force: true });
try {
  renameSync(dist, old);
} catch (error) {
  if (error.code !== "ENOENT") throw error;
}
renameSync(fresh, dist);
rmSync(old, { recursive: true, force: true });
console.log(sizes.map((line) => `  ${line}`).join("\n"));
