// Writes src/schema.ts from openapi/openapi.json: the schemas that the client sends and reads. With `--check` it writes
// nothing, and fails if the file is out of date.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

// What these refer to comes with them.
const ROOTS = ["UsageEventRequest", "UsageBatchAnswer", "CostsAnswer", "GuardAnswer", "GuardCheckRequest", "GuardRefusal", "Problem"];

const target = new URL("../src/schema.ts", import.meta.url);
const description = JSON.parse(readFileSync(new URL("../../../openapi/openapi.json", import.meta.url), "utf8"));
const { schemas: all } = description.components;

const wanted = new Set();
const visit = (name) => {
  if (wanted.has(name)) return;
  wanted.add(name);
  for (const [, inner] of JSON.stringify(all[name]).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) visit(inner);
};
ROOTS.forEach(visit);

const schemas = Object.fromEntries([...wanted].sort().map((name) => [name, all[name]]));
const { openapi, info } = description;
const types = astToString(
  await openapiTS({ openapi, info, paths: {}, components: { schemas } }, { alphabetize: true }),
);
const own = types.slice(types.indexOf("export interface components"), types.indexOf("export type $defs"));
const text = `// Made by scripts/generate.mjs from openapi/openapi.json; do not edit.\n\n${own}`;

if (!process.argv.includes("--check")) {
  writeFileSync(target, text);
} else if (readFileSync(target, "utf8") !== text) {
  console.error("src/schema.ts is out of date: npm run generate");
  process.exitCode = 1;
}
