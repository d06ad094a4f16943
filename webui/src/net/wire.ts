// What the server says, as it says it. Times are milliseconds UTC.

/** What a refusal says beside its key. */
export type Params = Record<string, string | number>;

export interface User {
  id: string;
  username: string;
  display_name: string;
  /** The blob that pictures them, if there is one. */
  photo?: string | null;
}

export interface LastMessage {
  id: string;
  number: number;
  sender: string;
  type: string;
  text: string | null;
  sent_at_ms: number;
}

/** Something that a member may do in a conversation. */
export type Right =
  | "read" | "send" | "react" | "edit_others" | "delete_others" | "act_as_admin" | "add" | "remove" | "leave" | "rename";

export interface Conversation {
  id: string;
  kind: "direct" | "group";
  title: string | null;
  /** A group's own; a direct conversation shows the other one's. */
  photo: string | null;
  peer: string | null;
  seq: number;
  message_no: number;
  read_no: number;
  unread: number;
  others_read_no: number;
  last: LastMessage | null;
  created_at_ms: number;
  created_by: string;
  member_count: number;
  first_number: number;
  /** The reader's, where they are not those of every member of its kind. */
  rights?: readonly Right[];
}

/** What every member may do, by the conversation's kind. */
export type DefaultRights = Partial<Record<Conversation["kind"], readonly Right[]>>;

/** A Dash component as JSON. */
export interface ComponentJson {
  namespace: string;
  type: string;
  props: Record<string, unknown>;
}

export type View = string | { html: string; bare?: boolean; edge?: boolean } | ComponentJson;

export interface Reaction {
  emoji: string;
  count: number;
}

/** What the reader has put on a message. */
export interface Own {
  mark?: unknown;
  reactions?: readonly string[];
}

export interface Message {
  id: string;
  conversation: string;
  seq: number;
  rev: number;
  number: number;
  sender: string;
  client_id: string;
  type: string;
  content: unknown;
  text: string | null;
  sent_at_ms: number;
  edited_at_ms?: number | null;
  deleted_at_ms?: number | null;
  state?: unknown;
  reply_to?: { id: string; number: number };
  reactions?: readonly Reaction[];
  view?: View;
}

export interface LogEvent {
  log: string;
  after: number;
  seq: number;
  kind: string;
  by: string;
  at_ms: number;
  data: Record<string, unknown> & { message?: Message; conversation?: string; user?: unknown };
}

export type Users = Record<string, Omit<User, "id">>;

export interface SyncResult {
  epoch: string;
  since: string;
  me: User & { seq: number; language?: string; theme?: string };
  conversations: Conversation[];
  users: Users;
  more: boolean;
  rights: DefaultRights;
}

export interface HistoryPage {
  messages: Message[];
  users: Users;
  seq: number;
  more_before: boolean;
  more_after: boolean;
  own?: Record<string, Own>;
}

export interface MessagesFound {
  messages: Message[];
  users: Users;
}

/** A drawing that was made after its message had gone out with its text. */
export interface Drawn {
  conversation: string;
  message: string;
  rev: number;
  view: View;
}

/** All of a log in `(after, seq]`; it goes on to `newest`. */
export interface LogPage {
  events: LogEvent[];
  after: number;
  seq: number;
  newest: number;
}

/** What a message type lets people do: from `plugin.list`. */
export interface TypeInfo {
  type: string;
  plugin: string;
  editable: boolean;
  actions: { name: string; may: string; params: Record<string, unknown> }[];
}

export interface Sent {
  id: string;
  seq: number;
  number: number;
  sent_at_ms: number;
}

/** A refusal or an error of the server. */
export class Refusal extends Error {
  readonly code: number;
  readonly key: string;
  readonly retryable: boolean;
  readonly params: Params;

  constructor(code: number, key: string, message: string, retryable: boolean, params: Params) {
    super(message);
    this.code = code;
    this.key = key;
    this.retryable = retryable;
    this.params = params;
  }

  /** How long the server asks to wait before the same is asked again; 0 where it does not say. */
  get retryAfterMs(): number {
    const seconds = Number(this.params["retry_after_s"]);
    return seconds > 0 ? seconds * 1_000 : 0;
  }
}

/** No connection, or no answer in time: nobody knows whether it was done. */
export class NoAnswer extends Error {}
