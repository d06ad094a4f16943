import assert from "node:assert/strict";
import { test } from "node:test";
import { initials } from "../../src/state/ids";

test("initials are letters, or what is seen as one character", () => {
  for (const [name, shown] of [
    ["Ann Lee", "AL"],
    ["«Книга»", "К"],
    ["🏴󠁧󠁢󠁥󠁮󠁧󠁿 👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿👨‍👩‍👧‍👦"],
    ["❤️", "❤️"],
    [" ", "?"],
  ] as const) {
    assert.equal(initials(name), shown);
  }
});
