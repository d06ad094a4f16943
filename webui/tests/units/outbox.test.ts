import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { CHAT, conversation, ME, message, NOON_MS, settled, storage } from "./page";
import type { Socket } from "../../src/net/socket";
import { NoAnswer, Refusal } from "../../src/net/wire";
import { Outbox } from "../../src/state/outbox";
import { Store } from "../../src/state/store";

interface Call {
  params: { client_id: string; content: unknown; reply_to: string | null };
  timeoutMs: number;
  answer(number: number): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** A connection whose calls are answered by the test. */
class Played {
  calls: Call[] = [];
  /** Whether the connection lives, where the page doubts it. */
  lives = true;

  call(_command: string, params: Call["params"], timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answer = (number: number) => (resolve({ id: `m${number}`, seq: number, number, sent_at_ms: NOON_MS }), settled());
      this.calls.push({ params, timeoutMs, answer, fail: (error) => (reject(error), settled()) });
    });
  }

  async alive(): Promise<boolean> {
    return this.lives;
  }
}

function started({ online = true } = {}): { store: Store; outbox: Outbox; socket: Played } {
  const store = new Store(ME);
  store.putConversation(conversation());
  store.setOnline(online);
  const socket = new Played();
  const outbox = new Outbox(store, socket as unknown as Socket);
  outbox.load();
  return { store, outbox, socket };
}

const refusal = (params = {}, retryable = false) => new Refusal(1012, "content_invalid", "caption: too long", retryable, params);
const poll = { type: "poll", content: { question: "Tea?" }, text: "Tea?" };

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS });
  storage.clear();
});
afterEach(() => mock.timers.reset());

test("what is sent stands there at once and leaves with its event", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  assert.equal(store.outbox(CHAT)[0]?.state, "pending");
  await socket.calls[0]!.answer(1);
  assert.equal(store.outbox(CHAT)[0]?.state, "sent");
  store.putMessage(message(1, { sender: ME.id, client_id: socket.calls[0]!.params.client_id }));
  assert.deepEqual(store.outbox(CHAT), []);
  assert.deepEqual(Object.keys(storage), []);
});

test("what is written offline waits, outlives the page and is sent once", async () => {
  const { outbox, socket } = started({ online: false });
  outbox.send(CHAT, poll);
  assert.deepEqual(socket.calls, []);
  const later = started({ online: false });
  const [kept] = later.store.outbox(CHAT);
  assert.deepEqual([kept?.state, kept?.type, kept?.content, kept?.text], ["pending", "poll", poll.content, "Tea?"]);
  later.store.setOnline(true);
  later.outbox.flush();
  later.outbox.flush();
  assert.equal(later.socket.calls.length, 1);
  assert.equal(later.socket.calls[0]!.params.client_id, kept?.clientId);
});

test("an answer is sent to the chosen message, which is chosen no longer", () => {
  const { store, outbox, socket } = started();
  store.compose(CHAT, { replyTo: message(4) });
  outbox.send(CHAT, poll);
  assert.equal(socket.calls[0]!.params.reply_to, "m4");
  assert.deepEqual(store.composing(CHAT), {});
});

test("a lost connection is no failure: the same is sent again", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  store.setOnline(false);
  await socket.calls[0]!.fail(new NoAnswer());
  assert.equal(store.outbox(CHAT)[0]?.state, "pending");
  store.setOnline(true);
  outbox.flush();
  assert.equal(socket.calls[1]!.params.client_id, socket.calls[0]!.params.client_id);
});

test("what met a dead connection stays pending and is sent again on the next", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  assert.equal(socket.calls[0]!.timeoutMs, 10_000);
  socket.lives = false;
  mock.timers.tick(10_000);
  const failed = socket.calls[0]!.fail(new NoAnswer());
  store.setOnline(false);
  await failed;
  assert.equal(store.outbox(CHAT)[0]?.state, "pending");
  store.setOnline(true);
  outbox.flush();
  assert.deepEqual(socket.calls[1]!.params, socket.calls[0]!.params);
  assert.equal(socket.calls[1]!.timeoutMs, 10_000);
});

test("no answer in time on a connection that lives fails without a reason", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  await socket.calls[0]!.fail(new NoAnswer());
  assert.deepEqual([store.outbox(CHAT)[0]?.state, store.outbox(CHAT)[0]?.reason], ["failed", undefined]);
  assert.equal(socket.calls.length, 1);
});

test("a message with files may take longer", () => {
  const { outbox, socket } = started();
  outbox.send(CHAT, { ...poll, files: { b1: { name: "lake.jpg", bytes: 3, media_type: "image/jpeg" } } });
  assert.equal(socket.calls[0]!.timeoutMs, 40_000);
});

test("a refusal is kept with its field, over a reload too", async () => {
  const { outbox, socket } = started();
  outbox.send(CHAT, poll);
  await socket.calls[0]!.fail(refusal({ field: "caption" }));
  const [failed] = started().store.outbox(CHAT);
  assert.equal(failed?.state, "failed");
  assert.deepEqual(failed?.reason, { key: "content_invalid", params: { field: "caption" }, sentence: "caption: too long" });
});

test("what was refused is written once more in its place", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  outbox.send(CHAT, { ...poll, text: "After it" });
  await socket.calls[0]!.fail(refusal());
  outbox.rewrite(store.outbox(CHAT)[0]!, { content: { question: "Tea, please?" }, text: "Tea, please?" });
  assert.deepEqual(store.outbox(CHAT).map(({ text, state }) => [text, state]), [["Tea, please?", "pending"], ["After it", "pending"]]);
  assert.equal(store.outbox(CHAT)[0]?.reason, undefined);
  assert.deepEqual(socket.calls[2]!.params.content, { question: "Tea, please?" });
});

test("what has arrived meanwhile is not written once more", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  const [entry] = store.outbox(CHAT);
  await socket.calls[0]!.fail(refusal());
  store.settle(CHAT, entry!.clientId);
  outbox.rewrite(entry!, { text: "Again" });
  assert.deepEqual(store.outbox(CHAT), []);
  assert.equal(socket.calls.length, 1);
});

test("a limit that says when to come back is waited for", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  await socket.calls[0]!.fail(refusal({ retry_after_s: 30 }, true));
  assert.equal(store.outbox(CHAT)[0]?.state, "pending");
  mock.timers.tick(29_000);
  assert.equal(socket.calls.length, 1);
  mock.timers.tick(9_000);
  assert.equal(socket.calls.length, 2);
});

test("a busy server is asked again until ten seconds have passed", async () => {
  const { store, outbox, socket } = started();
  outbox.send(CHAT, poll);
  for (let tries = 0; store.outbox(CHAT)[0]?.state === "pending"; tries++) {
    assert(tries < 30, "it never failed");
    await socket.calls[tries]!.fail(refusal({}, true));
    mock.timers.tick(700);
  }
  assert(socket.calls.length > 10);
});

test("many messages go out in order, sixteen at a time", () => {
  const { outbox, socket } = started({ online: true });
  for (let n = 0; n < 20; n++) outbox.send(CHAT, { ...poll, content: { n } });
  assert.deepEqual(socket.calls.map(({ params }) => (params.content as { n: number }).n), [...Array(16).keys()]);
});

test("what was written within one millisecond keeps its order over a reload", () => {
  const { outbox } = started({ online: false });
  const words = [..."abcdefghij"];
  for (const text of words) outbox.send(CHAT, { ...poll, text });
  const later = started({ online: false });
  assert.deepEqual(later.store.outbox(CHAT).map(({ text }) => text), words);
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS - 3_600_000 });
  later.outbox.send(CHAT, { ...poll, text: "k" });
  assert.deepEqual(started().store.outbox(CHAT).map(({ text }) => text), [...words, "k"]);
});

test("what cannot be read in the storage is thrown away", () => {
  storage.setItem(`dm:outbox:${ME.id}:bad`, "{");
  assert.deepEqual(started().store.outbox(CHAT), []);
  assert.deepEqual(Object.keys(storage), []);
});
