import assert from "node:assert/strict";
import { test } from "node:test";
import "./page";
import { nameOf, sizeOf } from "../../src/i18n/uploads";

test("sizes are said as the bodies of files say them", () => {
  const said = (language: string) => [12, 999, 1_000, 3_440_000, 12_300_000].map((bytes) => sizeOf(bytes, language).replace(/\s/g, " "));
  assert.deepEqual(said("en"), ["12 B", "999 B", "1 kB", "3.4 MB", "12 MB"]);
  const more = [2_000, 2_250, 9_960, 12_500].map((bytes) => sizeOf(bytes, "en").replace(/\s/g, " "));
  assert.deepEqual(more, ["2 kB", "2.3 kB", "10 kB", "13 kB"]);
  assert.deepEqual(said("ru"), ["12 Б", "999 Б", "1 кБ", "3,4 МБ", "12 МБ"]);
});

test("a name cannot turn its letters round", () => {
  assert.equal(nameOf({ name: "evil\u202egpj.exe" }), "evilgpj.exe");
  assert.equal(nameOf({ name: "\u2066a\u2069\u200f.txt" }), "a.txt");
  assert.equal(nameOf({ name: "סיכום.pdf" }), "סיכום.pdf");
});
