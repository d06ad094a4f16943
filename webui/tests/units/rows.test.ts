import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, CHAT, ME, message, NOON_MS } from "./page";
import type { LogEvent } from "../../src/net/wire";
import type { Outgoing } from "../../src/state/store";
import { buildRows, type RowsFrom } from "../../src/timeline/rows";

const from = (change: Partial<RowsFrom>): RowsFrom => ({
  messages: [], lines: [], moreBefore: false, moreAfter: false, outbox: [], users: { [ME.id]: ME, [BEN.id]: BEN }, meId: ME.id, othersReadNo: 0,
  unreadAfter: -1, own: {}, notes: {}, ...change,
});
const MINUTE_MS = 60_000;

test("messages of one sender within five minutes are a group", () => {
  const rows = buildRows(from({
    messages: [
      message(1),
      message(2),
      message(3, { sent_at_ms: NOON_MS + 6 * MINUTE_MS }),
      message(4, { sender: ME.id, sent_at_ms: NOON_MS + 6 * MINUTE_MS }),
    ],
  }), []);
  assert.deepEqual(rows.map(({ first, last }) => [first, last]), [[true, false], [false, true], [true, true], [true, true]]);
});

test("a day begins with its first message", () => {
  const rows = buildRows(from({
    messages: [message(1), message(2), message(3, { sent_at_ms: NOON_MS + 13 * 60 * MINUTE_MS })],
  }), []);
  assert.deepEqual(rows.map(({ day }) => day), [true, false, true]);
});

test("the unread line stands above the first unread message of another", () => {
  const messages = [message(1), message(2, { sender: ME.id }), message(3, { sender: ME.id }), message(4), message(5)];
  const rows = buildRows(from({ messages, unreadAfter: 1 }), []);
  assert.deepEqual(rows.map(({ unread }) => unread), [false, false, false, true, false]);
});

test("own messages are read as far as others have read", () => {
  const messages = [1, 2].map((number) => message(number, { sender: ME.id }));
  const rows = buildRows(from({ messages, othersReadNo: 1 }), []);
  assert.deepEqual(rows.map(({ tick }) => tick), ["read", "sent"]);
});

test("the oldest message is not drawn while there are older ones", () => {
  const messages = [message(1), message(2)];
  assert.deepEqual(buildRows(from({ messages, moreBefore: true }), []).map(({ key }) => key), ["m2"]);
  assert.deepEqual(buildRows(from({ messages }), []).map(({ key }) => key), ["m1", "m2"]);
});

test("a message that is on its way keeps its row when it is stored", () => {
  const outgoing: Outgoing = {
    clientId: "k7", conversation: CHAT, type: "text", content: {}, text: "Words", createdAtMs: NOON_MS, state: "pending",
  };
  const [pending] = buildRows(from({ outbox: [outgoing] }), []);
  const [stored] = buildRows(from({ messages: [message(7, { sender: ME.id })] }), [pending!]);
  assert.equal(pending!.tick, "pending");
  assert.equal(stored!.key, pending!.key);
  assert.equal(stored!.tick, "sent");
});

test("a row that would be equal is the very one from before", () => {
  const messages = [message(1), message(2)];
  const before = buildRows(from({ messages }), []);
  assert.equal(buildRows(from({ messages }), before), before);
  const after = buildRows(from({ messages: [...messages, message(3, { sender: ME.id })] }), before);
  assert.equal(after[0], before[0]);
  assert.equal(after[1], before[1]);
});

test("older messages change no row but their own", () => {
  const newer = [message(3), message(4)];
  const before = buildRows(from({ messages: newer, moreBefore: true }), []);
  const after = buildRows(from({ messages: [message(1), message(2), ...newer] }), before);
  assert.equal(after[after.length - 1], before[before.length - 1]);
});

test("people whose names look the same are told apart", () => {
  const name = (id: string, display_name: string) => [id, { ...BEN, id, display_name }] as const;
  const users = Object.fromEntries([
    name("1", "Вова С."), name("2", "Boвa C"), name("3", "Ιlya"), name("4", "I1yá"), name("5", "Ann"), name("6", "Anna"),
    name("7", "🎉"), name("8", "."), name("9", ","),
  ]);
  const messages = Object.keys(users).map((sender, index) => message(index + 1, { sender }));
  const rows = buildRows(from({ messages, users }), []);
  assert.deepEqual(rows.map(({ alike }) => alike), [true, true, true, true, false, false, false, false, false]);
  const fewer = buildRows(from({ messages, users: { "1": users["1"]! } }), rows);
  assert.equal(fewer[0]!.alike, false);
});

test("what happened to the group stands where it happened, and parts groups", () => {
  const line = (seq: number): LogEvent => ({ log: CHAT, after: seq - 1, seq, kind: "member.removed", by: ME.id, at_ms: NOON_MS, data: { user: BEN.id } });
  const messages = [message(1, { seq: 2 }), message(2, { seq: 3 }), message(3, { seq: 5 })];
  const lines = [line(1), line(4), line(6)];
  const said = (rows: readonly { above: readonly LogEvent[]; below: readonly LogEvent[] }[]) =>
    rows.map(({ above, below }) => [above.map(({ seq }) => seq), below.map(({ seq }) => seq)]);
  const rows = buildRows(from({ messages, lines }), []);
  assert.deepEqual(said(rows), [[[1], []], [[], []], [[4], [6]]]);
  assert.deepEqual(rows.map(({ first }) => first), [true, false, true]);
  assert.equal(buildRows(from({ messages, lines: [...lines] }), rows), rows);
  assert.deepEqual(said(buildRows(from({ messages, lines, moreAfter: true }), [])), [[[1], []], [[], []], [[4], []]]);
  // The oldest loaded message is not drawn yet, nor what stands before it.
  assert.deepEqual(said(buildRows(from({ messages, lines, moreBefore: true }), [])), [[[], []], [[4], [6]]]);
});
