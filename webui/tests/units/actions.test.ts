import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { CHAT, conversation, ME, message, NOON_MS, settled, storage } from "./page";
import type { Socket } from "../../src/net/socket";
import { NoAnswer, Refusal } from "../../src/net/wire";
import { Texts } from "../../src/i18n/texts";
import { Actions } from "../../src/state/actions";
import { Store } from "../../src/state/store";

interface Call {
  command: string;
  params: Record<string, unknown>;
  answer(result?: unknown): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** A page whose connection is answered by the test; another page finds what this one left. */
function started({ online = false } = {}) {
  const store = new Store(ME);
  store.putConversation(conversation());
  store.setOnline(online);
  const calls: Call[] = [];
  const call = (command: string, params: Call["params"]) =>
    new Promise((resolve, reject) => {
      const answer = (result: unknown = {}) => (resolve(result), settled());
      calls.push({ command, params, answer, fail: (error) => (reject(error), settled()) });
    });
  const actions = new Actions(store, { call } as unknown as Socket, new Texts("en", {}));
  actions.load();
  const connect = () => {
    store.setOnline(true);
    actions.flush();
  };
  const note = (id = "m1") => store.notes(CHAT)[id];
  const asked = () => calls.map(({ command, params }) => [command, params["message"], params["emoji"] ?? params["content"] ?? params["action"]]);
  return { store, actions, calls, connect, note, asked };
}

const MINE = message(1, { sender: ME.id });
const WAITING = "This will be done when the connection is back.";
const refusal = (key = "forbidden", params = {}, retryable = false) => new Refusal(1003, key, "no", retryable, params);

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS });
  storage.clear();
});
afterEach(() => mock.timers.reset());

test("what is asked for offline outlives the page and is done in order, once", async () => {
  const before = started();
  before.actions.react(MINE, "👍", true);
  before.actions.edit(MINE, { text: "Better words" });
  before.actions.act(MINE, "vote", { option: 1 });
  before.actions.remove(message(2));
  assert.deepEqual(before.calls, []);
  const after = started();
  assert.equal(after.note()?.sentence, `👍, Edit “Better words”: ${WAITING}`);
  assert.equal(after.note("m2")?.sentence, `Delete: ${WAITING}`);
  assert.equal(after.note()?.pending, true);
  after.connect();
  after.connect();
  assert.deepEqual(after.asked(), [["message.react", "m1", "👍"], ["message.delete", "m2", undefined]]);
  for (const at of [0, 2, 3]) await after.calls[at]!.answer();
  await after.calls[1]!.answer();
  assert.deepEqual(after.asked().slice(2), [["message.edit", "m1", { text: "Better words" }], ["message.act", "m1", "vote"]]);
  assert.deepEqual([after.note(), after.note("m2"), Object.keys(storage)], [undefined, undefined, []]);
  const again = started();
  again.connect();
  assert.deepEqual(again.calls, []);
});

test("what was under way when the page went is asked for again by the same name", async () => {
  const before = started({ online: true });
  before.actions.edit(MINE, { text: "Better words" });
  const after = started();
  after.connect();
  assert.deepEqual(after.calls[0]!.params, before.calls[0]!.params);
  assert(after.calls[0]!.params["client_id"]);
});

test("of several presses of an emoji the last is what counts", async () => {
  const { actions, connect, calls } = started();
  for (const on of [true, false, true]) actions.react(MINE, "👍", on);
  connect();
  await calls[0]!.answer();
  assert.deepEqual(calls.map(({ params }) => params["on"]), [true]);
  actions.react(MINE, "👍", false);
  actions.react(MINE, "👍", true);
  await calls[1]!.answer();
  await calls[2]!.answer();
  assert.deepEqual(calls.map(({ params }) => params["on"]), [true, false, true]);
});

test("a second press of what waits is none", () => {
  const { actions, connect, calls } = started();
  actions.act(MINE, "vote", { option: 1 }, { pressed: "vote 1" });
  actions.act(MINE, "vote", { option: 1 }, { pressed: "vote 1" });
  connect();
  assert.equal(calls.length, 1);
});

test("what is asked for with a connection says nothing, but what was pressed", async () => {
  const { actions, calls, note } = started({ online: true });
  actions.react(MINE, "👍", true);
  assert.equal(note(), undefined);
  await calls[0]!.answer();
  actions.act(MINE, "vote", {}, { pressed: "vote {}" });
  assert.deepEqual([note()?.sentence, [...note()!.pressed]], ["", ["vote {}"]]);
  await calls[1]!.answer();
  assert.equal(note(), undefined);
});

test("what loses its connection waits for the next", async () => {
  const { store, actions, connect, calls, note } = started({ online: true });
  actions.remove(MINE);
  store.setOnline(false);
  await calls[0]!.fail(new NoAnswer());
  assert.equal(note()?.sentence, `Delete: ${WAITING}`);
  connect();
  await calls[1]!.fail(refusal("not_found"));
  // It was done: the answer is what got lost.
  assert.deepEqual([note(), calls.length], [undefined, 2]);
});

test("what is refused says what and why, over a reload, until the reader has read it", async () => {
  const { actions, connect, calls } = started();
  actions.edit(MINE, { text: "Better words" });
  actions.react(MINE, "👍", true);
  connect();
  await calls[0]!.fail(refusal());
  const after = started();
  assert.deepEqual([after.note()?.sentence, after.note()?.pending], ["Edit “Better words”: You may not do this.", false]);
  after.connect();
  assert.deepEqual(after.asked(), [["message.react", "m1", "👍"]]);
  after.actions.discard("m1");
  assert.deepEqual([after.note(), Object.keys(storage)], [undefined, []]);
});

test("a refusal does not hold up what comes after it, and a new wish takes its place", async () => {
  const { actions, connect, calls, note } = started();
  actions.edit(MINE, { text: "Better words" });
  actions.remove(MINE);
  connect();
  await calls[0]!.fail(refusal("not_found"));
  assert.equal(note()?.sentence, "Edit “Better words”: Message deleted");
  await calls[1]!.answer();
  actions.react(MINE, "👍", true);
  assert.equal(note(), undefined);
});

test("what is taken back is not done", () => {
  const { actions, connect, calls } = started();
  actions.remove(MINE);
  actions.discard("m1");
  actions.react(message(2), "👍", true);
  actions.forget(CHAT);
  connect();
  assert.deepEqual([calls, Object.keys(storage)], [[], []]);
});

test("what another tab has done is not done once more", async () => {
  const one = started();
  one.actions.react(MINE, "👍", true);
  const other = started();
  other.connect();
  await other.calls[0]!.answer();
  one.connect();
  assert.deepEqual([one.calls, one.note()], [[], undefined]);
});

test("without storage a wish lives as long as the page", () => {
  const { actions, connect, calls } = started();
  storage.setItem = () => {
    throw new Error("full");
  };
  try {
    actions.remove(MINE);
  } finally {
    delete (storage as { setItem?: unknown }).setItem;
  }
  connect();
  assert.equal(calls.length, 1);
});

test("a plugin's command is asked for once, over a reload too", async () => {
  const before = started();
  before.actions.call(MINE, "acme.keep", {}, "Kept");
  const after = started();
  after.connect();
  assert.equal(after.calls[0]!.command, "acme.keep");
  const third = started();
  third.connect();
  assert.deepEqual(third.calls, []);
  await after.calls[0]!.fail(new NoAnswer());
  assert.equal(after.note()?.sentence, "The server did not answer.");
  after.actions.call(MINE, "acme.keep", {});
  await after.calls[1]!.fail(refusal("not_found"));
  assert.equal(after.note()?.sentence, "You are no longer in this chat.");
  after.connect();
  assert.equal(after.calls.length, 2);
});

test("a limit that says when to come back is waited for, a longer one is told", async () => {
  const { actions, calls, note } = started({ online: true });
  actions.react(MINE, "👍", true);
  await calls[0]!.fail(refusal("rate_limited", { retry_after_s: 5 }, true));
  mock.timers.tick(5_000);
  assert.equal(calls.length, 2);
  await calls[1]!.fail(refusal("rate_limited", { retry_after_s: 60, n: 60 }, true));
  assert.equal(note()?.sentence, "👍: Too many attempts. Try again in 60 seconds.");
});
