import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CHAT, ME, message, storage } from "./page";
import { draftOf, dropDraft, keepComposing, keepDraft, readDraft, recallComposing } from "../../src/state/drafts";
import { Store } from "../../src/state/store";

beforeEach(() => storage.clear());

test("the next page finds the text, the text of the edit, and what both are about", () => {
  const before = new Store(ME);
  before.compose(CHAT, { replyTo: message(1) });
  before.compose(CHAT, { editing: message(2, { sender: ME.id, view: "<p>large</p>" }) });
  keepComposing(before, CHAT);
  keepDraft(before, CHAT, "an answer");
  keepDraft(before, CHAT, "other words", "edit");

  const store = new Store(ME);
  recallComposing(store);
  assert.equal(readDraft(store, CHAT), "an answer");
  assert.equal(readDraft(store, CHAT, "edit"), "other words");
  assert.equal(draftOf(store, CHAT), "other words");
  assert.equal(store.composing(CHAT).replyTo?.text, "Words 1");
  assert.equal(store.composing(CHAT).editing?.text, "Words 2");
  assert.equal(JSON.stringify(storage).includes("large"), false);
});

test("an edit goes and leaves what was answered", () => {
  const store = new Store(ME);
  store.compose(CHAT, { replyTo: message(1) });
  store.compose(CHAT, { editing: message(2) });
  store.endEdit(CHAT);
  assert.deepEqual(store.composing(CHAT), { replyTo: message(1) });
});

test("nothing is left of a dropped draft, nor of one that was sent", () => {
  const store = new Store(ME);
  store.compose(CHAT, { replyTo: message(1) });
  keepComposing(store, CHAT);
  keepDraft(store, CHAT, "words");
  keepDraft(store, CHAT, "other words", "edit");
  dropDraft(store, CHAT);
  assert.deepEqual(Object.keys(storage), []);
  assert.deepEqual(store.composing(CHAT), {});
});

test("another user's and a damaged draft are about nothing", () => {
  storage.setItem(`dm:draft:${"f".repeat(32)}:${CHAT}:about`, JSON.stringify({ replyTo: message(1) }));
  storage.setItem(`dm:draft:${ME.id}:${CHAT}:about`, "{");
  const store = new Store(ME);
  recallComposing(store);
  assert.deepEqual(store.composing(CHAT), {});
});
