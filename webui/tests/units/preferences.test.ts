import assert from "node:assert/strict";
import { test } from "node:test";
import { conversation, ME, NOON_MS } from "./page";
import { FILTERS, passes } from "../../src/list/filters";
import type { Socket } from "../../src/net/socket";
import type { Conversation, Preferences as Wanted } from "../../src/net/wire";
import { ALWAYS_MS, isArchived, isDeleted, isMuted, isUnread, Preferences } from "../../src/state/preferences";
import { Store } from "../../src/state/store";

const wanted = (preferences: Partial<Wanted>, change: Partial<Conversation> = {}) =>
  conversation({ preferences: { change_no: 1, ...preferences }, message_no: 5, ...change });

test("a chat is muted until the mute ends, or but for mentions", () => {
  const until = wanted({ muted_until_ms: NOON_MS + 1 });
  assert.deepEqual([isMuted(until, NOON_MS), isMuted(until, NOON_MS + 1)], [true, false]);
  assert.equal(isMuted(wanted({ muted_until_ms: ALWAYS_MS }), NOON_MS), true);
  assert.equal(isMuted(wanted({ notify: "mentions" }), NOON_MS), true);
  assert.equal(isMuted(wanted({}), NOON_MS), false);
  assert.equal(isMuted(conversation(), NOON_MS), false);
});

test("what is archived comes back with a message, unless it is muted", () => {
  assert.equal(isArchived(wanted({ archived_no: 5 }), NOON_MS), true);
  assert.equal(isArchived(wanted({ archived_no: 4 }), NOON_MS), false);
  assert.equal(isArchived(wanted({ archived_no: 0 }, { message_no: 0 }), NOON_MS), true);
  const muted = wanted({ archived_no: 4, muted_until_ms: NOON_MS + 1 });
  assert.deepEqual([isArchived(muted, NOON_MS), isArchived(muted, NOON_MS + 1)], [true, false]);
  assert.equal(isArchived(wanted({ muted_until_ms: ALWAYS_MS }), NOON_MS), false);
});

test("what is deleted comes back with a message", () => {
  assert.equal(isDeleted(wanted({ cleared_no: 5 })), true);
  assert.equal(isDeleted(wanted({ cleared_no: 4 })), false);
  assert.equal(isDeleted(wanted({ cleared_no: 0 }, { message_no: 0 })), true);
  assert.equal(isDeleted(wanted({}, { message_no: 0 })), false);
  assert.equal(isDeleted(conversation({ message_no: 0 })), false);
});

test("each filter shows its chats, and what is archived stands by itself", () => {
  const among = (chat: Conversation) => [...FILTERS, "archived" as const].filter((filter) => passes(chat, filter, NOON_MS));
  assert.deepEqual(among(conversation()), ["all", "people"]);
  assert.deepEqual(among(conversation({ kind: "group", unread: 2 })), ["all", "unread", "groups"]);
  assert.deepEqual(among(conversation({ kind: "saved" })), ["all"]);
  assert.deepEqual(among(wanted({ marked_unread: true })), ["all", "unread", "people"]);
  assert.deepEqual(among(wanted({ archived_no: 5, marked_unread: true }, { unread: 2 })), ["archived"]);
  assert.equal(isUnread(wanted({})), false);
});

test("pinned chats stand on top in their own order, the others by what was said", () => {
  const store = new Store(ME);
  const put = (id: string, order_no: number, pinned_no?: number) =>
    store.putConversation(conversation({ id, order_no, ...(pinned_no && { preferences: { change_no: 1, pinned_no } }) }));
  put("a", 9);
  put("b", 3, 1);
  put("c", 1, 2);
  put("d", 5);
  assert.deepEqual(store.list().map(({ id }) => id), ["c", "b", "a", "d"]);
});

test("a wish is asked for and taken over when it is done", async () => {
  const store = new Store(ME);
  store.putConversation(conversation());
  const { id } = conversation();
  const asked: unknown[] = [];
  const call = async (...said: unknown[]) => {
    asked.push(said);
    return { conversation: id, preferences: { change_no: 3, pinned_no: 1 } };
  };
  await new Preferences(store, { call } as unknown as Socket).set(id, { pinned: true });
  assert.deepEqual(asked, [["conversation.set", { conversation: id, pinned: true }]]);
  assert.equal(store.conversation(id)?.preferences?.pinned_no, 1);
  // What is older than what is known says nothing.
  store.prefer(id, { change_no: 2 });
  assert.equal(store.conversation(id)?.preferences?.pinned_no, 1);
});
