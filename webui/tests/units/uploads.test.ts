import assert from "node:assert/strict";
import { test } from "node:test";
import "./page";
import { sizeOf } from "../../src/i18n/uploads";

test("sizes are said as the bodies of files say them", () => {
  const said = (language: string) => [12, 999, 1_000, 3_440_000, 12_300_000].map((bytes) => sizeOf(bytes, language).replace(/\s/g, " "));
  assert.deepEqual(said("en"), ["12 B", "999 B", "1 kB", "3.4 MB", "12 MB"]);
  assert.deepEqual(said("ru"), ["12 Б", "999 Б", "1 кБ", "3,4 МБ", "12 МБ"]);
});
