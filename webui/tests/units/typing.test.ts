import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { continueList, nameBefore } from "../../src/composer/typing";

Object.assign(globalThis, { document: { execCommand: () => false }, Event: class {} });

/** A text box with its caret at "|". */
function typedIn(text: string): HTMLTextAreaElement {
  const caret = text.indexOf("|");
  const box = {
    value: text.replace("|", ""), selectionStart: caret, selectionEnd: caret,
    setSelectionRange(start: number, end: number) {
      [box.selectionStart, box.selectionEnd] = [start, end];
    },
    setRangeText(put: string, start: number, end: number) {
      box.value = box.value.slice(0, start) + put + box.value.slice(end);
      box.selectionStart = box.selectionEnd = start + put.length;
    },
    dispatchEvent: () => true,
  };
  return box as unknown as HTMLTextAreaElement;
}

/** The text after Enter, with "|" at the caret; null where there is no list. */
function entered(text: string): string | null {
  const box = typedIn(text);
  if (!continueList(box)) return null;
  return `${box.value.slice(0, box.selectionStart)}|${box.value.slice(box.selectionStart)}`;
}

test("a list goes on with the next item", () => {
  assert.equal(entered("- tea|"), "- tea\n- |");
  assert.equal(entered("things:\n  * tea|"), "things:\n  * tea\n  * |");
  assert.equal(entered("9. tea|"), "9. tea\n10. |");
  assert.equal(entered("1) tea| and milk"), "1) tea\n2) | and milk");
  assert.equal(entered("- [x] tea|"), "- [x] tea\n- [ ] |");
});

test("an empty item ends the list", () => {
  assert.equal(entered("- tea\n- |"), "- tea\n|");
  assert.equal(entered("1. tea\n2. |\nafter"), "1. tea\n|\nafter");
});

test("what is no list has an ordinary line", () => {
  for (const text of ["tea|", "-tea|", "2026.|", "a - b|", "|- tea"]) assert.equal(entered(text), null);
});

test("a name begins with a colon of its own and two letters", () => {
  const name = (text: string) => nameBefore(text.replace("|", ""), text.indexOf("|"));
  assert.equal(name(":sm|"), ":sm");
  assert.equal(name("tea :smi| and milk"), ":smi");
  assert.equal(name("чай (:улы|"), ":улы");
  assert.equal(name("🎉:ta|"), ":ta");
  assert.equal(name("tea\n:+1:|"), ":+1:");
  assert.equal(name(":tada:|"), ":tada:");
  assert.equal(name("`a` :ta|"), ":ta");
  for (const text of [":s|", "10:30|", ":30|", "https://ta|", "note:tada|", "::tada|", "`:ta|", "```\n:root|", ":ta da|", ":D|", "a :b:|", "|:tada:"]) {
    assert.deepEqual([text, name(text)], [text, ""]);
  }
});
