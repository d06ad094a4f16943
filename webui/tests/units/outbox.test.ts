import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { CHAT, conversation, ME, message, NOON_MS, settled, storage } from "./page";
import type { Socket } from "../../src/net/socket";
import { NoAnswer, Refusal } from "../../src/net/wire";
import type { Files, UnsentFiles, Uploaded } from "../../src/state/files";
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

/** What holds the files, with the server's part played by the test. */
class PlayedFiles {
  kept = new Map<string, Files>();
  uploads: { names: readonly string[]; end(...uploaded: Uploaded[]): Promise<void> }[] = [];

  put(clientId: string, files: Files): void {
    this.kept.set(clientId, files);
  }

  async recall(clientId: string): Promise<boolean> {
    return this.kept.has(clientId);
  }

  remove(clientId: string): void {
    this.kept.delete(clientId);
  }

  upload(_clientId: string, names: readonly string[]): Promise<Uploaded[]> {
    return new Promise((resolve) => this.uploads.push({ names, end: (...uploaded) => (resolve(uploaded), settled()) }));
  }
}

function started({ online = true, files = new PlayedFiles() } = {}): { store: Store; outbox: Outbox; socket: Played; files: PlayedFiles } {
  const store = new Store(ME);
  store.putConversation(conversation());
  store.setOnline(online);
  const socket = new Played();
  const outbox = new Outbox(store, socket as unknown as Socket, files as unknown as UnsentFiles);
  outbox.load();
  return { store, outbox, socket, files };
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
  outbox.rewrite(store.outbox(CHAT)[0]!, { ...poll, content: { question: "Tea, please?" }, text: "Tea, please?" });
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
  outbox.rewrite(entry!, { ...poll, text: "Again" });
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

const LAKE = "unsent:1";
const album = {
  type: "photo", content: { photos: [{ blob: "b0" }, { blob: LAKE, alt: "A lake" }] }, text: "Photo",
  files: { b0: { name: "tree.jpg", bytes: 3, media_type: "image/jpeg" }, [LAKE]: { name: "lake.jpg", bytes: 4, media_type: "image/jpeg" } },
};
const lake = { [LAKE]: new File(["lake"], "lake.jpg", { type: "image/jpeg" }) };

test("files chosen offline wait, and are uploaded before their message is sent", async () => {
  const { store, outbox, socket, files } = started({ online: false });
  outbox.send(CHAT, album, lake);
  assert.deepEqual([store.outbox(CHAT)[0]?.state, files.uploads.length], ["pending", 0]);
  store.setOnline(true);
  outbox.flush();
  outbox.flush();
  assert.deepEqual(files.uploads.map(({ names }) => names), [[LAKE]]);
  assert.deepEqual(socket.calls, []);
  await files.uploads[0]!.end({ name: LAKE, blob: "b1" });
  assert.deepEqual(socket.calls.map(({ params }) => params.content), [{ photos: [{ blob: "b0" }, { blob: "b1", alt: "A lake" }] }]);
  assert.deepEqual(Object.keys(store.outbox(CHAT)[0]!.files!), ["b0", "b1"]);
  const { clientId } = store.outbox(CHAT)[0]!;
  assert(files.kept.has(clientId));
  store.settle(CHAT, clientId);
  assert(!files.kept.has(clientId));
});

test("a file that the server refuses fails its message, and says which it is", async () => {
  const { store, outbox, socket, files } = started();
  outbox.send(CHAT, album, lake);
  await files.uploads[0]!.end({ name: LAKE, failure: { key: "too_large", message: "x", params: { max_bytes: 5 } } });
  const [failed] = store.outbox(CHAT);
  assert.deepEqual([failed?.state, failed?.reason], ["failed", { key: "too_large", sentence: "x", params: { max_bytes: 5, file: "lake.jpg" } }]);
  assert.deepEqual(socket.calls, []);
  outbox.retry(failed!);
  assert.deepEqual(files.uploads[1]!.names, [LAKE]);
});

test("a file that is lost with the connection goes on with the next one", async () => {
  const { store, outbox, files } = started();
  outbox.send(CHAT, album, lake);
  store.setOnline(false);
  await files.uploads[0]!.end({ name: LAKE });
  assert.equal(store.outbox(CHAT)[0]?.state, "pending");
  store.setOnline(true);
  outbox.flush();
  assert.equal(files.uploads.length, 2);
});

test("files that were kept go on after a reload; without them the message fails", async () => {
  const { outbox, files } = started({ online: false });
  outbox.send(CHAT, album, lake);
  const later = started({ files });
  await settled();
  assert.equal(later.files.uploads.length, 1);
  const other = started();
  await settled();
  assert.deepEqual([other.store.outbox(CHAT)[0]?.state, other.store.outbox(CHAT)[0]?.reason?.key], ["failed", "files_gone"]);
  assert.equal(other.files.uploads.length, 0);
});

test("what cannot be read in the storage is thrown away", () => {
  storage.setItem(`dm:outbox:${ME.id}:bad`, "{");
  assert.deepEqual(started().store.outbox(CHAT), []);
  assert.deepEqual(Object.keys(storage), []);
});
