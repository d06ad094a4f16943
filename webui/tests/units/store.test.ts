import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, CHAT, conversation, ME, message } from "./page";
import type { LogEvent, Message } from "../../src/net/wire";
import { find } from "../../src/state/loaded";
import { Store } from "../../src/state/store";

const page = (messages: Message[], change = {}) => ({ messages, users: {}, seq: 9, more_before: true, more_after: false, own: {}, events: [], ...change });

function opened(messages: Message[], change = {}): Store {
  const store = new Store(ME);
  store.putConversation(conversation({ message_no: messages.length }));
  store.putPage(CHAT, page(messages, change), "instead");
  return store;
}

const line = (seq: number) =>
  ({ log: CHAT, after: seq - 1, seq, kind: "member.removed", by: ME.id, at_ms: 1, data: { user: BEN.id } }) as LogEvent;
const numbers = (store: Store) => store.window(CHAT).messages.map(({ number }) => number);

test("a message of another counts as unread and leads the list", () => {
  const store = opened([message(1)]);
  store.putConversation(conversation({ id: "d".repeat(32) }));
  store.putMessage(message(2));
  assert.deepEqual(numbers(store), [1, 2]);
  assert.equal(store.conversation(CHAT)?.unread, 1);
  assert.equal(store.conversation(CHAT)?.last?.text, "Words 2");
  assert.equal(store.list()[0]?.id, CHAT);
  assert.equal(store.unreadTotal(), 1);
});

test("the list is in the server's order, whatever the clocks say", () => {
  const store = new Store(ME);
  const chats = ["a", "b", "c"].map((one) => one.repeat(32));
  const [first, second, third] = chats as [string, string, string];
  const order = () => store.list().map(({ id }) => chats.indexOf(id));
  chats.forEach((id, at) => store.putConversation(conversation({ id, order_no: 10 + at, created_at_ms: 1_000 - at })));
  assert.deepEqual(order(), [2, 1, 0]);
  const DAY_MS = 86_400_000;
  store.putMessage(message(1, { id: "x", conversation: first, sent_at_ms: message(1).sent_at_ms + DAY_MS }));
  assert.deepEqual(order(), [0, 2, 1]);
  store.putMessage(message(1, { id: "y", conversation: second, sent_at_ms: message(1).sent_at_ms - DAY_MS }));
  assert.deepEqual(order(), [1, 0, 2]);
  // An edit moves nothing.
  store.putMessage(message(1, { id: "x", rev: 9, conversation: first, text: "Edited" }));
  assert.deepEqual(order(), [1, 0, 2]);
  store.putConversation(conversation({ id: third, order_no: 40 }));
  assert.deepEqual(order(), [2, 1, 0]);
});

test("a message of one's own reads what came before it", () => {
  const store = opened([message(1)]);
  store.putMessage(message(2));
  store.putMessage(message(3, { sender: ME.id }));
  assert.equal(store.conversation(CHAT)?.unread, 0);
  assert.equal(store.conversation(CHAT)?.read_no, 3);
});

test("what the reader may do is said by the conversation, else by its kind", () => {
  const store = new Store(ME);
  store.rights = { direct: ["read", "send"], group: ["read", "send", "add"] };
  store.putConversation(conversation());
  assert.deepEqual([store.may(CHAT, "send"), store.may(CHAT, "add")], [true, false]);
  // Who made it does not matter.
  store.putConversation(conversation({ kind: "group", created_by: ME.id }));
  assert.deepEqual([store.may(CHAT, "add"), store.may(CHAT, "delete_others")], [true, false]);
  store.putConversation(conversation({ kind: "group", created_by: BEN.id, rights: ["read", "delete_others"] }));
  assert.deepEqual([store.may(CHAT, "send"), store.may(CHAT, "delete_others")], [false, true]);
  assert.equal(store.may("d".repeat(32), "read"), false);
});

test("a lower revision never replaces a higher one", () => {
  const store = opened([message(1, { rev: 5, text: "New" })]);
  store.putMessage(message(1, { rev: 4, text: "Old" }));
  assert.equal(store.message(CHAT, "m1")?.text, "New");
  store.putMessage(message(1, { rev: 6, text: "Newer" }));
  assert.equal(store.message(CHAT, "m1")?.text, "Newer");
});

test("pages before and after join without repeating a message", () => {
  const store = opened([message(3), message(4)], { more_after: true });
  store.putPage(CHAT, page([message(1), message(2), message(3)], { more_before: false }), "before");
  store.putPage(CHAT, page([message(4), message(5)]), "after");
  assert.deepEqual(numbers(store), [1, 2, 3, 4, 5]);
  assert.equal(store.window(CHAT).moreBefore, false);
});

test("what lies beyond a hole is not put in", () => {
  const store = opened([message(1), message(2)], { more_after: true });
  store.putMessage(message(9));
  assert.deepEqual(numbers(store), [1, 2]);
});

test("a page that ends before what was announced meanwhile is not the end", () => {
  const store = opened([message(1)], { more_after: true });
  store.putMessage(message(3));
  store.putPage(CHAT, page([message(2)]), "after");
  assert.equal(store.window(CHAT).moreAfter, true);
});

test("the read position only moves forward", () => {
  const store = opened([message(1), message(2), message(3)]);
  store.changeConversation(CHAT, { unread: 3 });
  store.read(CHAT, 2);
  assert.equal(store.conversation(CHAT)?.unread, 1);
  store.read(CHAT, 1, 2);
  assert.deepEqual([store.conversation(CHAT)?.read_no, store.conversation(CHAT)?.unread], [2, 1]);
});

test("a reaction is counted, marked as one's own and gone at zero", () => {
  const store = opened([message(1)]);
  store.putReaction(CHAT, "m1", "👍", 2, true);
  assert.deepEqual(store.message(CHAT, "m1")?.reactions, [{ emoji: "👍", count: 2 }]);
  assert.deepEqual(store.window(CHAT).own["m1"]?.reactions, ["👍"]);
  store.putReaction(CHAT, "m1", "👍", 0, false);
  assert.deepEqual(store.message(CHAT, "m1")?.reactions, []);
  assert.deepEqual(store.window(CHAT).own["m1"]?.reactions, []);
});

test("a view of another revision is too late", () => {
  const store = opened([message(1, { rev: 2 })]);
  store.putView(CHAT, "m1", 1, "old");
  assert.equal(store.message(CHAT, "m1")?.view, undefined);
  store.putView(CHAT, "m1", 2, "drawn");
  assert.equal(store.message(CHAT, "m1")?.view, "drawn");
});

test("people are another object only when something about them is new", () => {
  const store = new Store(ME);
  store.learnUsers({ [BEN.id]: BEN });
  const before = store.users;
  store.learnUsers({ [BEN.id]: { ...BEN, photo: null } });
  assert.equal(store.users, before);
  store.learnUsers({ [BEN.id]: { ...BEN, display_name: "Benjamin" } });
  assert.equal(store.users[BEN.id]?.display_name, "Benjamin");
});

test("a dropped conversation is gone with its messages and is told", () => {
  const store = opened([message(1)]);
  const dropped: string[] = [];
  store.onDropped = (id) => dropped.push(id);
  store.keepOnly(new Set());
  assert.deepEqual(dropped, [CHAT]);
  assert.equal(store.conversation(CHAT), undefined);
  assert.deepEqual(numbers(store), []);
});

test("listeners of a topic hear of many changes once", () => {
  const store = opened([]);
  store.topics.tell();
  let heard = 0;
  store.topics.subscribe(`window:${CHAT}`, () => heard++);
  store.putMessage(message(1));
  store.putMessage(message(2));
  store.topics.tell();
  assert.equal(heard, 1);
});

test("a place is found among numbers with gaps", () => {
  const messages = [message(2), message(4), message(8)];
  assert.deepEqual([1, 2, 3, 8, 9].map((number) => find(messages, number)), [0, 0, 1, 2, 3]);
});

test("what the reader has deleted for themselves is gone, and later messages are not", () => {
  const store = opened([1, 2, 3].map((number) => message(number)), { events: [line(1), line(20)] });
  const { id, number, sender, type, sent_at_ms } = message(3);
  const last = { id, number, sender, type, sent_at_ms, text: "Words 3" };
  store.changeConversation(CHAT, { last, unread: 2, read_no: 1, seq: 9 });
  const trimmed: string[] = [];
  store.onTrimmed = (id) => trimmed.push(id);
  store.prefer(CHAT, { change_no: 5, cleared_no: 2 });
  assert.deepEqual(numbers(store), [3]);
  assert.deepEqual(store.window(CHAT).lines.map(({ seq }) => seq), [20]);
  assert.equal(store.window(CHAT).moreBefore, false);
  const left = store.conversation(CHAT)!;
  assert.deepEqual([left.first_number, left.unread, left.read_no, left.last?.number], [3, 1, 2, 3]);
  assert.deepEqual(store.listed(), [left]);
  // What was heard before it says nothing.
  store.prefer(CHAT, { change_no: 4 });
  assert.equal(store.conversation(CHAT)?.preferences?.cleared_no, 2);

  store.prefer(CHAT, { change_no: 6, cleared_no: 3 });
  assert.deepEqual(numbers(store), []);
  assert.deepEqual(store.window(CHAT).lines, []);
  const gone = store.conversation(CHAT)!;
  assert.deepEqual([gone.first_number, gone.unread, gone.last], [4, 0, null]);
  assert.deepEqual([store.list(), store.listed()], [[gone], []]);
  assert.deepEqual(trimmed, [CHAT, CHAT]);
  // A mute changes nothing of it.
  store.prefer(CHAT, { change_no: 7, cleared_no: 3, muted_until_ms: 1 });
  assert.equal(trimmed.length, 2);

  store.putMessage(message(4));
  assert.deepEqual(numbers(store), [4]);
  assert.equal(store.listed()[0]?.last?.number, 4);
});
