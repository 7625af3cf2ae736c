// The pages that are fetched on demand (src/pieces.rs). What several of them share comes as one module a combination of
// pages, dozens of them as pages grow; together they are one file, which a browser fetches with the first such page.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Runs one of binaryen's programs; answers what it prints. */
export function binaryen(program, args) {
  const run = spawnSync(process.execPath, [`node_modules/binaryen/bin/${program}`, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (run.status !== 0) throw new Error(`${program} failed: ${run.stderr}`);
  return run.stdout;
}

/** Makes one module, `common.wasm`, of the modules that pieces share. What they import comes as `rest` instead. */
function merge(bound, shared, features) {
  const imports = new Map();
  for (const file of shared) {
    const module = new WebAssembly.Module(readFileSync(join(bound, file)));
    if (WebAssembly.Module.imports(module).every(({ name }) => imports.has(name))) continue;
    const shown = binaryen("wasm-dis", [...features, join(bound, file)]);
    for (const [, name, kind, type] of shown.matchAll(/^ \(import "__wasm_split" "(\w+)" \((\w+) \S+ (.+)\)\)$/gm)) {
      imports.set(name, { kind, type });
    }
  }
  // Without something that all of them import from, each would bring a memory and a table of its own.
  const all = [...imports].map(([name, { kind, type }]) => `(import "rest" "${name}" (${kind} $${name} ${type}))`);
  for (const [name, { kind }] of imports) all.push(`(export "${name}" (${kind} $${name}))`);
  const [text, stub, common] = ["stub.wat", "stub.wasm", "common.wasm"].map((file) => join(bound, file));
  writeFileSync(text, `(module ${all.join("\n")})`);
  binaryen("wasm-as", [...features, text, "-o", stub]);
  const named = shared.flatMap((file) => [join(bound, file), file.replace(".wasm", "")]);
  binaryen("wasm-merge", [...features, stub, "__wasm_split", ...named, "-o", common]);
  return common;
}

/**
 * Packs the pieces that lie in `bound` and makes `pieces.js` there fetch what was packed. `pack` takes a name and the
 * file of a module, and answers its address.
 */
export function pieces(bound, features, pack) {
  const files = readdirSync(bound).filter((file) => /^(split|chunk)_\w+\.wasm$/.test(file));
  const shared = files.filter((file) => file.startsWith("chunk_"));
  const common = pack("common", merge(bound, shared, features));
  const script = join(bound, "pieces.js");
  let text = readFileSync(script, "utf8");
  let known = 0;
  text = text.replace(/^const (__chunk_\d+) = makeLoad\([^]*?^, \[\]\);$/gm, (_, name) => {
    known += 1;
    return `const ${name} = common;`;
  });
  if (known !== shared.length) throw new Error(`pieces.js loads ${known} of ${shared.length} shared modules`);
  for (const file of files.filter((file) => file.startsWith("split_"))) {
    const address = pack(file.slice("split_".length, -".wasm".length), join(bound, file));
    text = text.replace(`fetch(new URL("./${file}", import.meta.url))`, `fetch(${JSON.stringify(address)})`);
  }
  if (text.includes("import.meta")) throw new Error("pieces.js loads what was not packed");
  const loads = `const common = makeLoad(() => {
    const source = fetch(${JSON.stringify(common)});
    source.catch(() => {});
    return async ({ __wasm_split: rest }) => WebAssembly.instantiateStreaming(source, { rest });
}, []);
`;
  writeFileSync(script, text.replace(/^(?=.*__chunk_)/m, loads));
}
