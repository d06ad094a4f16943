// Reads logs: one's own and each conversation's, event by event from a cursor. An event that does not
// continue what is known makes us pull what is missing; nothing is ever guessed.

import type { Socket } from "../net/socket";
import { type Conversation, type LogEvent, type LogPage, Refusal, type User } from "../net/wire";
import type { Blocks } from "./blocks";
import type { Contacts } from "./contacts";
import type { Directory } from "./directory";
import type { Kept } from "./kept";
import type { MessageRequests } from "./message_requests";
import type { Store } from "./store";

const LOG_PAGE = 500;
const LINES = new Set(["conversation.created", "conversation.updated", "member.joined", "member.removed", "member.updated", "member.banned"]);

/** What is done where a log no longer reaches back to our cursor. */
interface TooOld {
  conversation(id: string): Promise<void>;
  own(): void;
}

export class Logs {
  /** The server's, told by each snapshot: a cursor of another is worth nothing. */
  epoch = "";
  private userCursor = 0;
  /** What runs, and whether it was asked for again meanwhile. */
  private readonly running = new Map<string, { again: boolean; done: Promise<void> }>();

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly directory: Directory,
    private readonly contacts: Contacts,
    private readonly blocks: Blocks,
    private readonly requests: MessageRequests,
    private readonly kept: Kept,
    private readonly tooOld: TooOld,
  ) {}

  /** What was read belongs to logs of another epoch. */
  forgetOwn(): void {
    this.forgetPeople();
    this.store.forgetPreferences();
  }

  private forgetPeople(): void {
    this.contacts.forget();
    this.blocks.forget();
    void this.requests.learn();
    this.store.topics.touch("privacy");
  }

  /** What runs has lost its connection. */
  down(): void {
    this.running.clear();
  }

  /** What happened to oneself while there was no connection is in one's own log. */
  reachOwn(seq: number): void {
    if (this.userCursor && seq > this.userCursor) void this.pullOwn();
    else this.userCursor = Math.max(this.userCursor, seq);
  }

  /** A conversation as it is now; what its loaded messages lack is pulled. */
  refresh(conversation: Conversation): void {
    const { id, seq } = conversation;
    const known = this.store.conversation(id);
    const readNo = Math.max(conversation.read_no, known?.read_no ?? 0);
    // Where nothing new was said, its place among those that were heard of since stays.
    const stays = this.store.synced && known && known.last?.id === conversation.last?.id;
    // An answer may be late. What an earlier page kept may be of another epoch.
    const { preferences: wanted } = conversation;
    const isLate = this.store.synced && (known?.preferences?.change_no ?? 0) > (wanted?.change_no ?? 0);
    this.store.putConversation({
      ...conversation,
      preferences: isLate ? known?.preferences : wanted,
      order_no: stays ? known.order_no : conversation.order_no,
      read_no: readNo,
      unread: readNo > conversation.read_no ? Math.min(conversation.unread, conversation.message_no - readNo) : conversation.unread,
    });
    if (isLate) this.store.prefer(id, known!.preferences!);
    if (this.store.hasWindow(id) && this.store.window(id).cursor < seq) void this.pull(id);
  }

  /** Put an event in, or pull what is missing before it. */
  hear(event: LogEvent): void {
    const { log, after, seq } = event;
    if (log === this.store.me.id) {
      if (seq <= this.userCursor) return;
      if (after > this.userCursor) return void this.pullOwn();
      this.userCursor = seq;
      this.applyOwn(event);
      return;
    }
    const known = this.store.conversation(log);
    if (!known) return void this.fetch(log);
    if (this.store.hasWindow(log)) {
      const { cursor } = this.store.window(log);
      if (seq <= cursor) return;
      if (after > cursor) return void this.pull(log);
      this.apply(event);
      // Applied first: a reader of the window sees both or neither.
      this.store.changeWindow(log, { cursor: seq });
    } else {
      if (seq <= known.seq) return;
      if (after > known.seq) return void this.fetch(log);
      this.apply(event);
    }
    this.store.changeConversation(log, { seq: Math.max(seq, known.seq) });
  }

  private apply(event: LogEvent): void {
    const { log, kind, data } = event;
    if (LINES.has(kind) && this.store.hasWindow(log)) {
      // Who did it, and to whom, may have said nothing yet.
      for (const id of [event.by, "user" in data && data.user]) {
        if (typeof id === "string" && !this.store.users[id]) this.directory.learn(id);
      }
      this.store.putLines(log, [event]);
    }
    // Of one's own log, where `message` is a setting.
    if (kind === "privacy.updated") return;
    if ("message" in data) {
      if (!this.store.users[data.message.sender]) this.directory.learn(data.message.sender);
      this.store.putMessage(data.message);
      // What was read later than this was written has counted it.
      if (kind === "message.deleted" && event.seq > (this.store.conversation(log)?.seq ?? 0)) {
        this.store.passOver(log, data.message.number);
      }
      this.kept.keep(log);
    } else if (kind === "reaction.changed") {
      const { message_id, emoji, count, on } = data;
      this.store.putReaction(log, message_id, emoji, count, event.by === this.store.me.id ? on : null);
      this.kept.keep(log);
    } else if (kind === "member.removed" && data.user === this.store.me.id) {
      this.store.dropConversation(log);
    } else if (kind === "member.updated") {
      // What one may do oneself goes by it.
      if (data.user === this.store.me.id) void this.fetch(log);
    } else if (kind === "member.banned") {
      // It changes nobody else: who was a member was removed.
    } else if (kind === "conversation.updated") {
      // What was read later than this was written knows better.
      const { title, photo } = data;
      if (event.seq <= (this.store.conversation(log)?.seq ?? 0)) return;
      this.store.changeConversation(log, { ...(title !== undefined && { title }), ...(photo !== undefined && { photo: photo ?? undefined }) });
      this.kept.keep();
    } else if (kind.startsWith("member.") || kind.startsWith("conversation.")) {
      if (kind === "member.joined") {
        const { user } = data;
        const known = this.store.users[user.id];
        // The log says nothing of photos: they change.
        if (!known) this.directory.learn(user.id);
        this.store.learnUsers({ [user.id]: { ...user, photo: known?.photo ?? null } });
      }
      void this.fetch(log);
    }
  }

  private applyOwn({ kind, data, seq }: LogEvent): void {
    if (kind === "conversation.added") void this.fetch(data.conversation);
    else if (kind === "conversation.removed") this.store.dropConversation(data.conversation);
    else if (kind === "mark.changed") this.store.putOwn(data.conversation, data.message_id, { mark: data.mark });
    else if (kind === "account.updated") this.directory.learn(this.store.me.id);
    else if (kind === "preferences.updated") {
      this.store.prefer(data.conversation, data.preferences);
      this.kept.keep();
    } else if (kind === "contact.updated") {
      // The log says nothing of photos: they change.
      if (!this.store.users[data.user.id]) this.directory.learn(data.user.id);
      this.contacts.hear(data.user.id, data.contact, seq);
    } else if (kind === "block.updated") {
      if (!this.store.users[data.user.id]) this.directory.learn(data.user.id);
      this.blocks.hear(data.user.id, data.since_ms, seq);
    } else if (kind === "request.updated") {
      void this.requests.learn();
    } else if (kind === "join_request.updated") {
      // Who shows them asks for them.
      this.store.joins += 1;
      this.store.topics.touch("joins");
    } else if (kind.startsWith("privacy.")) {
      // Who shows it asks for it.
      this.store.topics.touch("privacy");
    }
  }

  /** Read a conversation's log from our cursor to its end. */
  async pull(id: string): Promise<void> {
    await this.once(`log:${id}`, async () => {
      for (;;) {
        const { cursor } = this.store.window(id);
        if (cursor < 0) return;
        const page = await this.socket.call<LogPage>("log.read", {
          log: id,
          after: cursor,
          limit: LOG_PAGE,
          epoch: this.epoch,
        });
        for (const event of page.events) {
          if (event.seq > this.store.window(id).cursor) {
            this.apply(event);
            this.store.changeWindow(id, { cursor: event.seq });
          }
        }
        const now = Math.max(page.seq, this.store.window(id).cursor);
        this.store.changeWindow(id, { cursor: now });
        this.store.changeConversation(id, { seq: Math.max(now, this.store.conversation(id)?.seq ?? 0) });
        if (now >= page.newest || page.seq <= page.after) return;
      }
    }, () => this.tooOld.conversation(id));
  }

  private async pullOwn(): Promise<void> {
    await this.once("own", async () => {
      for (;;) {
        const page = await this.socket.call<LogPage>("log.read", {
          log: this.store.me.id,
          after: this.userCursor,
          limit: LOG_PAGE,
          epoch: this.epoch,
        });
        for (const event of page.events) {
          if (event.seq <= this.userCursor) continue;
          this.userCursor = event.seq;
          this.applyOwn(event);
        }
        this.userCursor = Math.max(this.userCursor, page.seq);
        if (page.seq >= page.newest || page.seq <= page.after) return;
      }
    }, async () => {
      this.forgetPeople();
      this.tooOld.own();
    });
  }

  /**
   * Run `work`, once more if it was asked for while it ran; `resync` when the log no longer reaches back so far. All
   * who asked are told when it is done.
   */
  private once(name: string, work: () => Promise<void>, resync: () => Promise<void>): Promise<void> {
    const there = this.running.get(name);
    if (there) {
      there.again = true;
      return there.done;
    }
    const run = { again: true, done: Promise.resolve() };
    this.running.set(name, run);
    const end = () => this.running.get(name) === run && this.running.delete(name);
    const go = async () => {
      while (run.again) {
        run.again = false;
        await work();
      }
      end();
    };
    return (run.done = go().catch((error) => {
      // What is asked for from here on begins again: this one pulls no more.
      end();
      if (error instanceof Refusal && error.key === "resync") return resync().catch(() => undefined);
    }));
  }

  /** Ask for a conversation's own state: it is new to us, or something about it changed. */
  async fetch(id: string): Promise<void> {
    await this.once(`get:${id}`, async () => {
      try {
        const result = await this.socket.call<{ conversation?: Conversation; users?: Record<string, User> } & Conversation>(
          "conversation.get",
          { conversation: id },
        );
        if (result.users) this.store.learnUsers(result.users);
        const conversation = result.conversation ?? result;
        this.refresh(conversation);
        if (conversation.peer && !this.store.users[conversation.peer]) this.directory.learn(conversation.peer);
        this.kept.keep();
      } catch (error) {
        if (error instanceof Refusal && error.key === "not_found") {
          this.store.dropConversation(id);
          this.store.changeWindow(id, { loading: "", failed: "not_found", cursor: -1 });
        }
        throw error;
      }
    }, async () => undefined);
  }
}
