// What was written and is not yet known to be stored. It is sent at once, after a lost connection when
// `sync.ts` has the next snapshot (`flush`); after a reload it is loaded first. The same client id is
// sent until the server answers, so a message can never be stored twice. Messages are kept in localStorage
// (`stored`), their files in IndexedDB (`files`). One is settled when its message comes back, as an
// event or in a page; else it goes when it is discarded, or with the conversation or the log-out.

import type { Socket } from "../net/socket";
import { type Files, type Sending, UnsentFiles } from "./files";
import { NoAnswer, Refusal, type Sent } from "../net/wire";
import type { Outgoing, Store, Written } from "./store";
import { Stored } from "./stored";

const FAILED_AFTER_MS = 10_000;
// The server looks into files before it answers.
const FILES_FAILED_AFTER_MS = 40_000;
const RETRY_FIRST_MS = 500;
// Longer limits are told to the writer instead.
const LONGEST_WAIT_MS = 60_000;
const MAX_IN_FLIGHT = 16;

export class Outbox {
  private readonly inFlight = new Set<string>();
  /** Those that the server asked to send later. */
  private readonly resting = new Set<string>();
  private readonly deadlines = new Map<string, number>();
  private readonly store: Store;
  private readonly socket: Socket;
  private readonly stored: Stored<Outgoing>;

  constructor(store: Store, socket: Socket, readonly files: UnsentFiles) {
    this.store = store;
    this.socket = socket;
    this.stored = new Stored("outbox", store.me.id);
    store.onSettled = (clientId) => {
      this.deadlines.delete(clientId);
      this.stored.remove(clientId);
      this.files.remove(clientId);
    };
  }

  /** Take up what an earlier page left. */
  load(): void {
    for (const entry of this.stored.load()) {
      this.store.putOutgoing(entry);
      if (entry.unsent) void this.recall(entry);
    }
  }

  private async recall(entry: Outgoing): Promise<void> {
    this.resting.add(entry.clientId);
    const found = await this.files.recall(entry.clientId);
    this.resting.delete(entry.clientId);
    if (found) this.flush();
    else this.change(entry, { state: "failed", reason: { key: "files_gone", params: {}, sentence: "" } });
  }

  /** Send what was written, as an answer to the message that was chosen for that; `files` are uploaded first. */
  send(conversation: string, written: Written, files: Files = {}, sending: Sending = {}): void {
    const createdAtMs = Date.now();
    const { replyTo } = this.store.composing(conversation);
    const clientId = this.stored.newId();
    this.put({
      ...written, ...this.unsent(clientId, files, sending), clientId, conversation, createdAtMs, state: "pending",
      ...(replyTo ? { replyTo: { id: replyTo.id, number: replyTo.number } } : {}),
    });
    if (replyTo) this.store.compose(conversation, {});
    this.store.topics.tell();
    this.flush();
  }

  retry(entry: Outgoing): void {
    this.again(entry, {});
  }

  /** Send what was refused with other content; what was refused was not stored, so it keeps its id. */
  rewrite(entry: Outgoing, written: Written, files: Files = {}, sending: Sending = {}): void {
    this.files.remove(entry.clientId);
    this.again(entry, { ...written, ...this.unsent(entry.clientId, files, sending) });
  }

  private again(entry: Outgoing, change: Partial<Outgoing>): void {
    this.deadlines.delete(entry.clientId);
    this.change(entry, { ...change, state: "pending", reason: undefined });
    this.store.topics.tell();
    this.flush();
  }

  private unsent(clientId: string, files: Files, { begun, drawn }: Sending): Pick<Outgoing, "unsent"> {
    const names = Object.keys(files);
    if (drawn) this.files.keepDrawn(clientId, drawn);
    if (names.length) void this.files.put(clientId, files, begun);
    return { unsent: names.length ? names : undefined };
  }

  discard(entry: Outgoing): void {
    this.store.settle(entry.conversation, entry.clientId);
  }

  /** Send what waits. While there is no connection it goes on waiting: that is no failure. */
  flush(): void {
    if (!this.store.online) return;
    for (const entry of this.store.allOutgoing()) {
      if (this.inFlight.size >= MAX_IN_FLIGHT) return;
      const busy = this.inFlight.has(entry.clientId) || this.resting.has(entry.clientId);
      if (entry.state === "pending" && !busy) void this.attempt(entry);
    }
  }

  private async attempt(entry: Outgoing): Promise<void> {
    const { clientId } = entry;
    this.inFlight.add(clientId);
    try {
      const ready = entry.unsent ? await this.upload(entry, entry.unsent) : entry;
      if (ready) await this.ask(ready);
    } finally {
      this.inFlight.delete(clientId);
      this.flush();
    }
  }

  /** The entry with its files on the server; null where that waits, was refused or is not wanted any more. */
  private async upload(entry: Outgoing, names: readonly string[]): Promise<Outgoing | null> {
    const uploaded = await this.files.upload(entry.clientId, names);
    const blobs = new Map(uploaded.flatMap(({ name, blob }) => (blob ? [[name, blob] as const] : [])));
    const left = names.filter((name) => !blobs.has(name));
    const named = (name: string) => blobs.get(name) ?? name;
    const known = Object.entries(entry.files ?? {});
    this.change(entry, {
      content: withBlobs(entry.content, named) as Outgoing["content"],
      files: Object.fromEntries(known.map(([name, file]) => [named(name), file])),
      unsent: left.length ? left : undefined,
    });
    const refused = uploaded.find(({ failure }) => failure);
    if (refused) {
      const { key, params, message: sentence } = refused.failure!;
      const file = entry.files?.[refused.name]?.name ?? "";
      this.change(entry, { state: "failed", reason: { key, params: { ...params, file }, sentence } });
    } else if (left.length && this.store.online) {
      this.change(entry, { state: "failed", reason: undefined });
    }
    return left.length ? null : this.find(entry) ?? null;
  }

  private async ask(entry: Outgoing): Promise<void> {
    const { clientId, conversation, type, content, replyTo } = entry;
    const deadline = this.deadlines.get(clientId) ?? Date.now() + (entry.files ? FILES_FAILED_AFTER_MS : FAILED_AFTER_MS);
    this.deadlines.set(clientId, deadline);
    try {
      const params = { conversation, client_id: clientId, type, content, reply_to: replyTo?.id ?? null };
      const sent = await this.socket.call<Sent>("message.send", params, Math.max(1, deadline - Date.now()));
      this.change(entry, { state: "sent", number: sent.number });
    } catch (error) {
      await this.refused(entry, error, deadline);
    }
  }

  private async refused(entry: Outgoing, error: unknown, deadline: number): Promise<void> {
    // A dead connection looks open until it is asked: what met one waits for the next.
    if (error instanceof NoAnswer && !(this.store.online && (await this.socket.alive()))) {
      this.deadlines.delete(entry.clientId);
      return;
    }
    if (error instanceof Refusal && error.retryAfterMs && error.retryAfterMs <= LONGEST_WAIT_MS) {
      // Told when to come back: it stays pending until then, however long it has waited.
      this.deadlines.delete(entry.clientId);
      this.rest(entry, error.retryAfterMs);
      return;
    }
    if (error instanceof Refusal && error.retryable && Date.now() + RETRY_FIRST_MS < deadline) {
      this.rest(entry, RETRY_FIRST_MS);
      return;
    }
    const refusal = error instanceof Refusal ? { key: error.key, params: error.params, sentence: error.message } : undefined;
    this.change(entry, { state: "failed", reason: refusal });
  }

  /** Send it again after a while. */
  private rest(entry: Outgoing, afterMs: number): void {
    this.resting.add(entry.clientId);
    setTimeout(() => {
      this.resting.delete(entry.clientId);
      this.flush();
    }, afterMs * (1 + Math.random() / 4));
  }

  /** Forget what was written for a conversation that the reader is no longer in. */
  drop(conversation: string): void {
    for (const entry of this.store.outbox(conversation)) this.discard(entry);
  }

  /** Change an entry that is still there; its event may have been faster than its answer. */
  private change(entry: Outgoing, change: Partial<Outgoing>): void {
    const there = this.find(entry);
    if (there) this.put({ ...there, ...change });
  }

  private find({ conversation, clientId }: Outgoing): Outgoing | undefined {
    return this.store.outbox(conversation).find((other) => other.clientId === clientId);
  }

  private put(entry: Outgoing): void {
    this.stored.put(entry.clientId, entry);
    this.store.putOutgoing(entry);
  }
}

/** The content with blobs in place of the names that stood for them. */
function withBlobs(value: unknown, named: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withBlobs(item, named));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) =>
    [key, key === "blob" && typeof inner === "string" ? named(inner) : withBlobs(inner, named)]);
  return Object.fromEntries(entries);
}
