// What was written and is not yet known to be stored. The same client id is sent until the server
// answers, over reloads too, so a message can never be stored twice.

import type { Socket } from "../net/socket";
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

  constructor(store: Store, socket: Socket) {
    this.store = store;
    this.socket = socket;
    this.stored = new Stored("outbox", store.me.id);
    store.onSettled = (clientId) => {
      this.deadlines.delete(clientId);
      this.stored.remove(clientId);
    };
  }

  /** Take up what an earlier page left. */
  load(): void {
    for (const entry of this.stored.load()) this.store.putOutgoing(entry);
  }

  /** Send what was written, as an answer to the message that was chosen for that. */
  send(conversation: string, written: Written): void {
    const createdAtMs = Date.now();
    const { replyTo } = this.store.composing(conversation);
    this.put({
      ...written, clientId: this.stored.newId(), conversation, createdAtMs, state: "pending",
      ...(replyTo ? { replyTo: { id: replyTo.id, number: replyTo.number } } : {}),
    });
    if (replyTo) this.store.compose(conversation, {});
    this.store.topics.tell();
    this.flush();
  }

  retry(entry: Outgoing): void {
    this.rewrite(entry, {});
  }

  /** Send what was refused with other content; what was refused was not stored, so it keeps its id. */
  rewrite(entry: Outgoing, written: Partial<Written>): void {
    this.deadlines.delete(entry.clientId);
    this.change(entry, { ...written, state: "pending", reason: undefined });
    this.store.topics.tell();
    this.flush();
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
    const { clientId, conversation, type, content, replyTo } = entry;
    const deadline = this.deadlines.get(clientId) ?? Date.now() + (entry.files ? FILES_FAILED_AFTER_MS : FAILED_AFTER_MS);
    this.deadlines.set(clientId, deadline);
    this.inFlight.add(clientId);
    try {
      const params = { conversation, client_id: clientId, type, content, reply_to: replyTo?.id ?? null };
      const sent = await this.socket.call<Sent>("message.send", params, Math.max(1, deadline - Date.now()));
      this.change(entry, { state: "sent", number: sent.number });
    } catch (error) {
      await this.refused(entry, error, deadline);
    } finally {
      this.inFlight.delete(clientId);
      this.flush();
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
      this.again(entry, error.retryAfterMs);
      return;
    }
    if (error instanceof Refusal && error.retryable && Date.now() + RETRY_FIRST_MS < deadline) {
      this.again(entry, RETRY_FIRST_MS);
      return;
    }
    const refusal = error instanceof Refusal ? { key: error.key, params: error.params, sentence: error.message } : undefined;
    this.change(entry, { state: "failed", reason: refusal });
  }

  /** Send it again after a while. */
  private again(entry: Outgoing, afterMs: number): void {
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
    const there = this.store.outbox(entry.conversation).find((other) => other.clientId === entry.clientId);
    if (there) this.put({ ...there, ...change });
  }

  private put(entry: Outgoing): void {
    this.stored.put(entry.clientId, entry);
    this.store.putOutgoing(entry);
  }
}
