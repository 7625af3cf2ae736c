// Cuts Pretendard into the glyphs that the app's own words need (preloaded) and the rest of Hangul (fetched when
// somebody's data needs it). Cutting takes seconds and the words change rarely, so the result is kept.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import subset from "subset-font";

const FACES = { 400: "Regular", 600: "SemiBold" };

/** Name and content of each font file. */
export async function fonts(cache) {
  const core = new Set();
  for (let code = 0x20; code < 0x7f; code++) core.add(String.fromCodePoint(code));
  for (const sign of "\u00a0·×÷±−–—‘’“”…•→←↑↓⌘⇧⌥₩€£¥₹₫°≤≥≈§©®™✓ ") core.add(sign);
  const texts = ["index.html", ...["ko", "en"].flatMap((l) => readdirSync(`locales/${l}`).map((f) => `locales/${l}/${f}`))];
  texts.push("../crates/contract/src/errors.rs");
  for (const text of texts) for (const sign of readFileSync(text, "utf8")) core.add(sign);
  // Months, weekdays, relative times and units come from the browser in these syllables.
  for (const sign of "년월일화수목금토요시분초전후오어제늘주개만억조달다음지난원") core.add(sign);
  const own = [...core].sort().join("");
  let rest = "";
  for (let code = 0xac00; code <= 0xd7a3; code++) {
    const sign = String.fromCodePoint(code);
    if (!core.has(sign)) rest += sign;
  }
  mkdirSync(cache, { recursive: true });
  const stamp = createHash("sha256").update(own).digest("hex").slice(0, 12);
  const files = [];
  for (const [weight, face] of Object.entries(FACES)) {
    for (const [name, signs] of [["core", own], ["hangul", rest]]) {
      const kept = join(cache, `${name}-${weight}-${stamp}.woff2`);
      if (!existsSync(kept)) {
        const whole = readFileSync(`node_modules/pretendard/dist/web/static/woff2/Pretendard-${face}.woff2`);
        writeFileSync(kept, await subset(whole, signs, { targetFormat: "woff2" }));
      }
      files.push([`${name}-${weight}`, readFileSync(kept)]);
    }
  }
  return files;
}
