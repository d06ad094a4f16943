// What is known: people, conversations, the loaded messages of each, what is on its way. Values are
// replaced, never changed in place, so that a row is drawn again only when its own value is another.
// Knows neither the network nor the page. Topics: "list", "me", "online", "users", "route", "notice",
// "portraits", "conversation:ID", "window:ID", "notes:ID", "outbox:ID", "composing:ID".

import type { Conversation, DefaultRights, HistoryPage, LastMessage, LogEvent, Message, Own, Params, Preferences, Right, User, Users, View } from "../net/wire";
import { insert, type Loaded, newer } from "./loaded";
import { isDeleted, isMuted } from "./preferences";
import { Topics } from "./topics";

/** What is known of a conversation's messages. */
export interface Window extends Loaded {
  /** The log position up to which events are in `messages`; -1 while only the cache was read. */
  cursor: number;
  loading: "" | "open" | "before" | "after";
  failed: "" | "not_found" | "error";
  /** What happened between the messages, by `seq`: who came and went, new names. */
  lines: readonly LogEvent[];
  /** What the reader has put on messages, by the message's id. */
  own: Readonly<Record<string, Own>>;
}

/** What the reader has asked of a message: what is said of it below, and what is pressed on it. */
export interface Note {
  sentence: string;
  /** It will be done; else it was not. */
  pending: boolean;
  pressed: ReadonlySet<string>;
}

/** By the message's id. */
export type Notes = Readonly<Record<string, Note>>;

/** What the text box is for, beside a new message. */
export interface Composing {
  replyTo?: Message;
  editing?: Message;
  /** A message that the server refused, written once more in its form. */
  rewriting?: Outgoing;
}

/** What somebody wrote and the server is to take. */
export interface Written {
  type: string;
  content: Record<string, unknown>;
  /** What stands in the row until the server has drawn it. */
  text: string;
  /** The picture that stands there instead. */
  picture?: { src: string; width: number; height: number };
  /** What is known of the uploads in the content, by the blob's id. */
  files?: Readonly<Record<string, { name: string; bytes: number; media_type: string }>>;
}

/** A message of one's own that the server has not announced yet. */
export interface Outgoing extends Written {
  clientId: string;
  conversation: string;
  createdAtMs: number;
  state: "pending" | "sent" | "failed";
  /** Why the server refused it; missing where it did not answer. */
  reason?: { key: string; params: Params; sentence: string };
  number?: number;
  /** The names that stand in the content for files which are not on the server yet. */
  unsent?: readonly string[];
  replyTo?: { id: string; number: number };
}

const NONE: Composing = {};
const EMPTY: Window = { messages: [], moreBefore: true, moreAfter: false, cursor: -1, loading: "", failed: "", own: {}, lines: [] };
const NOTHING: readonly Outgoing[] = [];
const NO_NOTES: Notes = {};
const PREVIEW_CHARACTERS = 200;

export class Store {
  readonly topics = new Topics();
  me: User;
  online = false;
  /** What was done last, where nothing else shows it; told for a moment. */
  notice = "";
  synced = false;
  broken = false;
  /** Whether the server takes photos of people and groups. */
  portraits = false;
  /** Another number whenever somebody asks to join a group of the reader's, or is answered. Topic: "joins". */
  joins = 0;
  /** What every member may do, by the conversation's kind. */
  rights: DefaultRights = {};
  private people: Record<string, User> = {};
  private readonly conversations = new Map<string, Conversation>();
  private readonly windows = new Map<string, Window>();
  private readonly outgoing = new Map<string, readonly Outgoing[]>();
  private order: readonly Conversation[] | null = null;
  private left: readonly Conversation[] | null = null;
  /** The place in the list of what came last: events come in the server's order. */
  private top = 0;
  private readonly noted = new Map<string, Notes>();
  private readonly composings = new Map<string, Composing>();

  constructor(me: User) {
    this.me = me;
    this.people[me.id] = me;
  }

  // People

  /** All known people; another object whenever somebody is new or has another name or photo. */
  get users(): Readonly<Record<string, User>> {
    return this.people;
  }

  learnUsers(users: Users): void {
    let people: Record<string, User> | null = null;
    for (const [id, { username, display_name, photo = null }] of Object.entries(users)) {
      const known = this.people[id];
      if (known?.username === username && known.display_name === display_name && (known.photo ?? null) === photo) continue;
      people ??= { ...this.people };
      people[id] = { id, username, display_name, photo };
    }
    if (!people) return;
    this.people = people;
    this.topics.touch("users");
  }

  setMe(me: User): void {
    this.me = me;
    this.learnUsers({ [me.id]: me });
    this.topics.touch("me");
  }

  setPortraits(portraits: boolean): void {
    this.portraits = portraits;
    this.topics.touch("portraits");
  }

  setOnline(online: boolean): void {
    this.online = online;
    this.topics.touch("online");
  }

  setNotice(notice: string): void {
    this.notice = notice;
    this.topics.touch("notice");
  }

  setBroken(): void {
    this.broken = true;
    this.topics.touch("online");
  }

  // Conversations

  conversation(id: string): Conversation | undefined {
    return this.conversations.get(id);
  }

  /** Whether the reader may do this in a conversation. */
  may(id: string, right: Right): boolean {
    const known = this.conversation(id);
    return !!known && (known.rights ?? this.rights[known.kind] ?? []).includes(right);
  }

  /** All conversations in the server's order, the latest activity first, below those that are pinned: clocks may be wrong. */
  list(): readonly Conversation[] {
    const pin = ({ preferences }: Conversation) => preferences?.pinned_no ?? 0;
    return (this.order ??= [...this.conversations.values()].sort((a, b) => pin(b) - pin(a) || b.order_no - a.order_no));
  }

  /** Those that the reader has not deleted. */
  listed(): readonly Conversation[] {
    return (this.left ??= this.list().filter((one) => !isDeleted(one)));
  }

  /** How the reader wants a conversation; what is older than what is known says nothing. */
  prefer(id: string, preferences: Preferences): void {
    const known = this.conversations.get(id);
    if (!known || preferences.change_no < (known.preferences?.change_no ?? 0)) return;
    const { cleared_no = 0 } = preferences;
    const readNo = Math.max(known.read_no, cleared_no);
    this.putConversation({
      ...known,
      preferences,
      first_number: Math.max(known.first_number, cleared_no + 1),
      last: known.last && known.last.number > cleared_no ? known.last : null,
      read_no: readNo,
      unread: readNo > known.read_no ? Math.min(known.unread, known.message_no - readNo) : known.unread,
    });
  }

  /** Another epoch begins: its numbers are not to be compared with those that are known. */
  forgetPreferences(): void {
    for (const { id, preferences } of this.list()) if (preferences) this.changeConversation(id, { preferences: undefined });
  }

  putConversation(conversation: Conversation): void {
    this.top = Math.max(this.top, conversation.order_no);
    const known = this.conversations.get(conversation.id);
    this.conversations.set(conversation.id, conversation);
    if (known && conversation.first_number > known.first_number) this.trim(conversation);
    this.touchConversation(conversation.id);
  }

  /** Set when the reader may no longer see messages that may have been kept. */
  onTrimmed: (id: string) => void = () => undefined;

  private trim({ id, first_number }: Conversation): void {
    const window = this.windows.get(id);
    if (window) {
      const messages = window.messages.filter(({ number }) => number >= first_number);
      const gone = window.messages[window.messages.length - messages.length - 1]?.seq ?? 0;
      const lines = messages.length ? window.lines.filter(({ seq }) => seq > gone) : [];
      this.changeWindow(id, { messages, lines, moreBefore: false });
    }
    this.onTrimmed(id);
  }

  /** Replace the whole list, as a full snapshot does. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of [...this.conversations.keys()]) if (!ids.has(id)) this.dropConversation(id);
  }

  changeConversation(id: string, change: Partial<Conversation>): void {
    const known = this.conversations.get(id);
    if (known) this.putConversation({ ...known, ...change });
  }

  /** Set when the reader may no longer see a conversation: what was kept of it goes too. */
  onDropped: (id: string) => void = () => undefined;

  dropConversation(id: string): void {
    this.onDropped(id);
    this.conversations.delete(id);
    this.windows.delete(id);
    this.touchConversation(id);
    this.topics.touch(`window:${id}`);
  }

  markSynced(): void {
    this.synced = true;
    this.topics.touch("list");
  }

  /** The messages that wait where nothing is muted. */
  unreadTotal(): number {
    let total = 0;
    for (const conversation of this.conversations.values()) if (!isMuted(conversation)) total += conversation.unread;
    return total;
  }

  /** Move the read position forward; a lower one is ignored. */
  read(id: string, readNo: number, unread?: number): void {
    const known = this.conversations.get(id);
    if (!known || readNo < known.read_no) return;
    const left = Math.max(0, unread ?? Math.min(known.unread, known.message_no - readNo - this.deletedBeyond(id, readNo)));
    if (readNo === known.read_no && left === known.unread) return;
    this.putConversation({ ...known, read_no: readNo, unread: left });
  }

  /** A message was deleted: it is unread no more. */
  passOver(id: string, number: number): void {
    const known = this.conversations.get(id);
    if (known?.unread && number > known.read_no) this.putConversation({ ...known, unread: known.unread - 1 });
  }

  private deletedBeyond(id: string, number: number): number {
    return this.window(id).messages.filter((message) => message.number > number && message.deleted_at_ms).length;
  }

  private touchConversation(id: string): void {
    this.order = this.left = null;
    this.topics.touch("list");
    this.topics.touch(`conversation:${id}`);
  }

  // Messages

  window(id: string): Window {
    return this.windows.get(id) ?? EMPTY;
  }

  hasWindow(id: string): boolean {
    return (this.windows.get(id)?.cursor ?? -1) >= 0;
  }

  windowIds(): string[] {
    return [...this.windows.keys()];
  }

  changeWindow(id: string, change: Partial<Window>): void {
    this.windows.set(id, { ...this.window(id), ...change });
    this.topics.touch(`window:${id}`);
  }

  dropWindow(id: string): void {
    if (this.windows.delete(id)) this.topics.touch(`window:${id}`);
  }

  /** Put a page of history in: instead of what is there, before it or after it. */
  putPage(id: string, page: HistoryPage, where: "instead" | "before" | "after"): void {
    this.learnUsers(page.users);
    const window = this.window(id);
    const known = new Map(window.messages.map((message) => [message.id, message]));
    // What the cache kept may be of the same revision and have other reactions.
    const stale = where === "instead" && window.cursor < 0;
    const fresh = page.messages.map((message) => (stale ? message : newer(known.get(message.id), message)));
    const first = window.messages[0]?.number ?? Infinity;
    const last = window.messages[window.messages.length - 1]?.number ?? -1;
    if (where === "before") {
      const before = fresh.filter((message) => message.number < first);
      this.changeWindow(id, { messages: [...before, ...window.messages], moreBefore: page.more_before, loading: "" });
    } else if (where === "after") {
      const after = fresh.filter((message) => message.number > last);
      const messages = [...window.messages, ...after];
      // What was announced while the page was under way was beyond the hole then: it is still missing.
      const newest = this.conversations.get(id)?.message_no ?? 0;
      const moreAfter = page.more_after || (messages[messages.length - 1]?.number ?? 0) < newest;
      this.changeWindow(id, { messages, moreAfter, loading: "" });
    } else {
      this.changeWindow(id, {
        messages: fresh,
        moreBefore: page.more_before,
        moreAfter: page.more_after,
        cursor: page.seq,
        loading: "",
        failed: "",
      });
    }
    this.putLines(id, page.events, where === "instead");
    if (page.own && Object.keys(page.own).length) this.changeWindow(id, { own: { ...this.window(id).own, ...page.own } });
    for (const message of fresh) if (message.sender === this.me.id) this.settle(id, message.client_id);
  }

  /** Lines between the messages, also those that lie beyond a hole: nothing else would bring them again. */
  putLines(id: string, events: readonly LogEvent[], instead = false): void {
    const lines = new Map((instead ? events : [...this.window(id).lines, ...events]).map((line) => [line.seq, line]));
    this.changeWindow(id, { lines: [...lines.values()].sort((a, b) => a.seq - b.seq) });
  }

  message(id: string, messageId: string): Message | undefined {
    return this.window(id).messages.find((message) => message.id === messageId);
  }

  /** What the reader has put on a message. */
  putOwn(id: string, messageId: string, change: Own): void {
    const window = this.windows.get(id);
    if (window) this.changeWindow(id, { own: { ...window.own, [messageId]: { ...window.own[messageId], ...change } } });
  }

  notes(id: string): Notes {
    return this.noted.get(id) ?? NO_NOTES;
  }

  putNote(id: string, messageId: string, note: Note | undefined): void {
    const { [messageId]: known, ...rest } = this.notes(id);
    if (!known && !note) return;
    this.noted.set(id, note ? { ...rest, [messageId]: note } : rest);
    this.topics.touch(`notes:${id}`);
  }

  /** How many put an emoji on a message now, and whether the reader is one of them. */
  putReaction(id: string, messageId: string, emoji: string, count: number, own: boolean | null): void {
    const known = this.message(id, messageId);
    if (!known) return;
    const before = known.reactions ?? [];
    const there = before.some((reaction) => reaction.emoji === emoji);
    const all = there
      ? before.map((reaction) => (reaction.emoji === emoji ? { emoji, count } : reaction))
      : [...before, { emoji, count }];
    const { messages } = this.window(id);
    const changed = { ...known, reactions: all.filter((reaction) => reaction.count > 0) };
    this.changeWindow(id, { messages: messages.map((message) => (message === known ? changed : message)) });
    if (own === null) return;
    const mine = (this.window(id).own[messageId]?.reactions ?? []).filter((other) => other !== emoji);
    this.putOwn(id, messageId, { reactions: own ? [...mine, emoji] : mine });
  }

  /** A drawing that was not ready when its message came; one of another revision is too late. */
  putView(id: string, messageId: string, rev: number, view: View): void {
    const { messages } = this.window(id);
    const known = messages.find((message) => message.id === messageId);
    if (!known || known.rev !== rev || known.view !== undefined) return;
    this.changeWindow(id, { messages: messages.map((message) => (message === known ? { ...known, view } : message)) });
  }

  composing(id: string): Composing {
    return this.composings.get(id) ?? NONE;
  }

  /** What is edited comes before what is answered; the answer goes on after it. */
  compose(id: string, composing: Composing): void {
    const { replyTo } = this.composing(id);
    const edit = composing.editing ?? composing.rewriting;
    this.composings.set(id, edit && replyTo ? { replyTo, ...composing } : composing);
    this.topics.touch(`composing:${id}`);
    // The text box is another's now: what is typed next must not be lost with what stood there.
    this.topics.tell();
  }

  endEdit(id: string): void {
    const { replyTo } = this.composing(id);
    this.compose(id, replyTo ? { replyTo } : {});
  }

  /** A message as an event brought it: new, or another revision. */
  putMessage(message: Message): void {
    const id = message.conversation;
    if (message.sender === this.me.id) this.settle(id, message.client_id);
    const window = this.windows.get(id);
    if (window) {
      const messages = insert(window, message);
      if (messages !== window.messages) this.changeWindow(id, { messages });
    }
    const known = this.conversations.get(id);
    if (!known) return;
    if (message.number > known.message_no) {
      const own = message.sender === this.me.id;
      this.putConversation({
        ...known,
        message_no: message.number,
        last: preview(message),
        order_no: this.top + 1,
        read_no: own ? message.number : known.read_no,
        unread: own ? 0 : known.unread + 1,
      });
    } else if (known.last?.id === message.id) {
      this.putConversation({ ...known, last: preview(message) });
    }
  }

  // What is on its way

  outbox(id: string): readonly Outgoing[] {
    return this.outgoing.get(id) ?? NOTHING;
  }

  allOutgoing(): Outgoing[] {
    return [...this.outgoing.values()].flat();
  }

  putOutgoing(entry: Outgoing): void {
    const there = this.outbox(entry.conversation);
    const known = there.some((other) => other.clientId === entry.clientId);
    this.outgoing.set(
      entry.conversation,
      known ? there.map((other) => (other.clientId === entry.clientId ? entry : other)) : [...there, entry],
    );
    this.topics.touch(`outbox:${entry.conversation}`);
  }

  /** Set when a message of one's own has arrived as an event, or was discarded. */
  onSettled: (clientId: string) => void = () => undefined;

  settle(id: string, clientId: string): void {
    const there = this.outbox(id);
    const rest = there.filter((entry) => entry.clientId !== clientId);
    if (rest.length === there.length) return;
    this.outgoing.set(id, rest);
    this.topics.touch(`outbox:${id}`);
    this.onSettled(clientId);
  }
}

/** When something was said last, for people to read. */
export function activity(conversation: Conversation): number {
  return conversation.last?.sent_at_ms ?? conversation.created_at_ms;
}

function preview({ id, number, sender, type, text, sent_at_ms, deleted_at_ms }: Message): LastMessage {
  const gone = deleted_at_ms ? { deleted_at_ms } : {};
  return { id, number, sender, type, text: text?.slice(0, PREVIEW_CHARACTERS) ?? null, sent_at_ms, ...gone };
}
