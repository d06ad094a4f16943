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

test("an emoji that letters would draw is asked for as a picture", () => {
  assert.equal(initials("⛰ Hikers"), "⛰\ufe0fH");
  assert.equal(initials("⛰\ufe0f"), "⛰\ufe0f");
  assert.equal(initials("🎉 Party"), "🎉P");
  assert.equal(initials("Ann Lee"), "AL");
});
