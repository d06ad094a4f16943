// Keeps the store equal to the server: the snapshot of the list at each connection, then what is
// announced, in its order.

import type { Socket } from "../net/socket";
import { type Drawn, type LogEvent, NoAnswer, type Presence, Refusal, type SyncResult, type TypingTold, type User } from "../net/wire";
import type { MessageHistory } from "./history";
import type { Kept } from "./kept";
import type { Logs } from "./logs";
import type { Outbox } from "./outbox";
import type { Presences } from "./presence";
import type { Store } from "./store";

const RETRY_SYNC_MS = 3_000;

export class Sync {
  private since: string | null = null;
  private round = 0;
  private held: [string, unknown][] | null = null;

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly logs: Logs,
    private readonly history: MessageHistory,
    private readonly outbox: Outbox,
    private readonly kept: Kept,
    private readonly presences: Presences,
    private readonly view: string,
  ) {}

  /** The connection is there: subscribe and take the snapshot. Frames that overtake it wait. */
  async begin(): Promise<void> {
    const round = ++this.round;
    this.held = [];
    try {
      const known = this.since;
      const listed = new Set<string>();
      let result = await this.ask(known);
      if (known !== null && result.epoch !== this.logs.epoch) {
        for (const id of this.store.windowIds()) this.store.dropWindow(id);
        this.logs.forgetOwn();
        this.since = null;
        result = await this.ask(null);
      }
      const full = this.since === null;
      for (;;) {
        if (round !== this.round) return;
        this.snapshot(result);
        for (const conversation of result.conversations) listed.add(conversation.id);
        if (!result.more) break;
        result = await this.ask(result.since);
      }
      if (full) this.store.keepOnly(listed);
      this.logs.epoch = result.epoch;
      this.since = result.since;
      this.store.markSynced();
      this.store.setOnline(true);
      const held = this.held ?? [];
      this.held = null;
      for (const [method, params] of held) this.hear(method, params);
      this.presences.up();
      this.outbox.flush();
      this.history.reopen();
    } catch (error) {
      if (round !== this.round || error instanceof NoAnswer) {
        if (round === this.round) this.socket.restart();
        return;
      }
      if (error instanceof Refusal && this.since !== null) this.since = null;
      setTimeout(() => round === this.round && this.socket.restart(), RETRY_SYNC_MS);
    }
  }

  down(): void {
    this.round++;
    this.held = null;
    this.logs.down();
    this.presences.down();
    this.store.setOnline(false);
    this.history.down();
  }

  /** Take the next snapshot from the beginning. */
  startOver(): void {
    this.since = null;
    this.socket.restart();
  }

  hear(method: string, params: unknown): void {
    if (this.held) {
      this.held.push([method, params]);
    } else if (method === "event") {
      this.logs.hear(params as LogEvent);
      this.presences.hearEvent(params as LogEvent);
    } else if (method === "read") {
      const { conversation, read_no, unread } = params as { conversation: string; read_no: number; unread: number };
      this.store.read(conversation, read_no, unread);
    } else if (method === "user.updated") {
      const { user } = params as { user: User };
      this.store.learnUsers({ [user.id]: user });
    } else if (method === "message.drawn") {
      const { conversation, message, rev, view } = params as Drawn;
      this.store.putView(conversation, message, rev, view);
      this.kept.keep(conversation);
    } else if (method === "presence") {
      this.presences.hear((params as { users: Record<string, Presence | null> }).users);
    } else if (method === "typing") {
      this.presences.hearTyping(params as TypingTold);
    } else if (method === "receipt") {
      const { conversation, others_read_no } = params as { conversation: string; others_read_no: number };
      const known = this.store.conversation(conversation);
      if (known && others_read_no > known.others_read_no) this.store.changeConversation(conversation, { others_read_no });
    }
  }

  private ask(since: string | null): Promise<SyncResult> {
    return this.socket.call<SyncResult>("sync", { since, views: [this.view] });
  }

  private snapshot(result: SyncResult): void {
    this.logs.reachOwn(result.me.seq);
    this.store.learnUsers(result.users);
    const { id, username, display_name, photo = null } = result.me;
    this.store.setMe({ id, username, display_name, photo });
    this.store.rights = result.rights;
    for (const conversation of result.conversations) this.logs.refresh(conversation);
    this.kept.keep();
  }
}
