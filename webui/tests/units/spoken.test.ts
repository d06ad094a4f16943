import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, CHAT, conversation, ME, message } from "./page";
import type { Message } from "../../src/net/wire";
import { Texts } from "../../src/i18n/texts";
import { arrived, elsewhere, inOneLine } from "../../src/state/spoken";
import { Store } from "../../src/state/store";

const texts = new Texts("en", {});
const made = () => {
  const store = new Store(ME);
  store.learnUsers({ [BEN.id]: BEN });
  return store;
};
const say = (labels: Record<string, string> = {}) => (message: Message) => inOneLine(message, labels, texts);
const words = (lines: readonly { words: string }[]) => lines.map((line) => line.words);

test("each message of a burst is told, and the same words twice", () => {
  const messages = [message(1), message(2, { text: "Yes" }), message(3, { text: "Yes" }), message(4, { text: "No" })];
  const lines = arrived(messages, 1, made(), texts, say());
  assert.deepEqual(words(lines), ["Ben: Yes", "Ben: Yes", "Ben: No"]);
  assert.equal(new Set(lines.map(({ key }) => key)).size, 3);
});

test("what has no words is told by its kind, one's own and what is deleted not at all", () => {
  const messages = [
    message(1, { type: "photo", text: "" }),
    message(2, { sender: ME.id }),
    message(3, { deleted_at_ms: 1, text: null }),
    message(4, { type: "odd", text: null, sender: "f".repeat(32) }),
  ];
  assert.deepEqual(words(arrived(messages, 0, made(), texts, say({ photo: "Photo" }))), ["Ben: Photo", "Somebody: Message without text"]);
});

test("a kind that says how it is told in one line is told so, with text and without", () => {
  const labels = { sticker: "{text} Sticker", photo: "Photo" };
  const told = (type: string, text: string | null) => inOneLine({ type, text }, labels, texts);
  assert.equal(told("sticker", "🎉"), "🎉 Sticker");
  assert.equal(told("sticker", "$&"), "$& Sticker");
  assert.equal(told("sticker", ""), "Sticker");
  assert.equal(told("photo", ""), "Photo");
  assert.equal(told("photo", "A lake"), "A lake");
  assert.equal(told("odd", null), "Message without text");
});

test("of other chats it is told how much is unread, once", () => {
  const list = [
    conversation({ message_no: 3, unread: 2 }),
    conversation({ id: "a".repeat(32), kind: "group", title: "Tea", peer: null, message_no: 5, unread: 1 }),
    conversation({ id: "b".repeat(32), kind: "group", title: "Read", peer: null, message_no: 5, unread: 0 }),
  ];
  const store = made();
  assert.deepEqual(words(elsewhere(list, new Map(), CHAT, store, texts)), ["Tea: 1 unread message"]);
  assert.deepEqual(words(elsewhere(list, new Map([[CHAT, 1]]), null, store, texts)), ["Ben: 2 unread messages", "Tea: 1 unread message"]);
  assert.deepEqual(elsewhere(list, new Map(list.map(({ id, message_no }) => [id, message_no])), null, store, texts), []);
});
