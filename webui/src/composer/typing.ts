// What keys do to the text that is typed, so that the browser's own undo takes it back.

import type { FormatOf } from "../state/composers";

/** Put a format's marks around what is selected, so that Ctrl+Z takes them away again. */
export function wrap(box: HTMLTextAreaElement, { before, after, line }: FormatOf): void {
  box.focus();
  let { selectionStart: start, selectionEnd: end } = box;
  if (line) {
    start = box.value.lastIndexOf("\n", start - 1) + 1;
    box.setSelectionRange(start, end);
  }
  const inside = box.value.slice(start, end);
  const text = line ? inside.split("\n").map((one) => before + one).join("\n") : before + inside + after;
  type(box, text);
  if (!line) box.setSelectionRange(start + before.length, start + before.length + inside.length);
}

// The sign of an item with its indent and box, then the words.
const ITEM = /^([^\S\n]*)(?:([-*+•])|(\d{1,9})([.)]))( \[[ xX]\])? +(.*)$/;

/** Begin the next item of the list that the caret is in, or end the list at an empty one; whether there is a list. */
export function continueList(box: HTMLTextAreaElement): boolean {
  const { value, selectionStart: caret, selectionEnd: end } = box;
  const start = value.lastIndexOf("\n", caret - 1) + 1;
  const item = ITEM.exec(value.slice(start, caret));
  if (!item || caret !== end) return false;
  const [, indent, sign, number, dot, task, words] = item;
  if (!words && /^(\n|$)/.test(value.slice(caret))) {
    box.setSelectionRange(start, caret);
    type(box, "");
  } else {
    type(box, `\n${indent}${sign ?? `${Number(number) + 1}${dot}`}${task ? " [ ]" : ""} `);
  }
  return true;
}

// A colon before a time, in an address or in code begins no name.
const NAME = /(?:^|[\s([{«„“"'*~|>\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])(:\p{L}[\p{L}\p{N}_+-]+|:[\p{L}\p{N}_+-]{2,}:)$/u;

/** The name of an emoji that is typed before the caret: `:smi` while it is begun, `:smile:` when it is whole, else empty. */
export function nameBefore(text: string, caret: number): string {
  const before = text.slice(0, caret);
  // Between backticks everything stays as it is typed.
  return (before.split("`").length % 2 && NAME.exec(before)?.[1]) || "";
}

/** Whether keys typed this, and nothing was pasted, taken back or deleted. */
export function isTyped({ inputType }: InputEvent): boolean {
  return inputType === "insertText" || inputType === "insertCompositionText";
}

/** Put a text at the caret of a box that may not have the focus: on a phone it would bring the keyboard. */
export function put(box: HTMLTextAreaElement, text: string, focus: boolean): void {
  if (focus) box.focus({ preventScroll: true });
  type(box, text);
}

/** Put a text in place of what is selected. The old way is the only one that the browser's undo knows. */
function type(box: HTMLTextAreaElement, text: string): void {
  const { selectionStart: start, selectionEnd: end } = box;
  if (document.activeElement === box && (text ? document.execCommand("insertText", false, text) : document.execCommand("delete"))) return;
  box.setRangeText(text, start, end, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}
