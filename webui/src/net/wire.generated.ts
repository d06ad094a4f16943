// Made from the server's structs by tools/wire_types.py: `python3 dev.py docs` runs it.
// Times are milliseconds UTC.

import type { View } from "./wire";

/** Something that a member may do in a conversation. */
export type Right =
  | "read"
  | "send"
  | "react"
  | "edit_others"
  | "delete_others"
  | "act_as_admin"
  | "add"
  | "remove"
  | "leave"
  | "rename"
  | "set_role"
  | "ban"
  | "invite";

/** Somebody, as everybody may see them; `photo` is a blob, left out where there is none. */
export interface User {
  id: string;
  username: string;
  display_name: string;
  photo?: string | null;
}

/** How somebody is called and pictured, beside their id; `photo` as in `User`. */
export interface Name {
  username: string;
  display_name: string;
  photo?: string | null;
}

/** What somebody, `user`, is to the one who asks: nobody else ever gets it. */
export interface Contact {
  user: string;
  state: "contact" | "received" | "sent";
  since_ms: number;
  label?: string;
  note?: string;
}

/** Who may find somebody, write to them first, send one message as a request where they may not, add them to a group, see their e-mail address, photo, when they were there last, how far they have read, and that they type. */
export interface Privacy {
  find: "contacts" | "everybody" | "known" | "nobody";
  message: "contacts" | "everybody" | "known" | "nobody";
  requests: "contacts" | "everybody" | "known" | "nobody";
  add: "contacts" | "everybody" | "known" | "nobody";
  email: "contacts" | "everybody" | "known" | "nobody";
  photo: "contacts" | "everybody" | "known" | "nobody";
  last_seen: "contacts" | "everybody" | "known" | "nobody";
  receipts: "contacts" | "everybody" | "known" | "nobody";
  typing: "contacts" | "everybody" | "known" | "nobody";
}

/** Whether somebody is there, or when they were last, as they show it to the one who asks. */
export interface Presence {
  online: boolean;
  last_seen_ms?: number;
}

/** Result of `presence.watch`, by id; who does not show it to the caller is left out. */
export interface PresenceNow {
  users: Record<string, Presence>;
}

/** Parameters of the notification `typing`. */
export interface TypingTold {
  conversation: string;
  user: string;
  on: boolean;
}

/** In which of the settings in `Privacy` one person, `user`, is an exception. */
export interface Exceptions {
  user: string;
  find?: "allow" | "deny";
  message?: "allow" | "deny";
  requests?: "allow" | "deny";
  add?: "allow" | "deny";
  email?: "allow" | "deny";
  photo?: "allow" | "deny";
  last_seen?: "allow" | "deny";
  receipts?: "allow" | "deny";
  typing?: "allow" | "deny";
}

/** The user whose session it is; `seq` is where their own log ends. */
export interface Me {
  id: string;
  username: string;
  display_name: string;
  photo: string | null;
  role: string;
  language: string | null;
  theme: string | null;
  seq: number;
}

/** The line under a conversation's name; of a deleted message, `text` is null. */
export interface LastMessage {
  id: string;
  number: number;
  sender: string;
  type: string;
  text: string | null;
  sent_at_ms: number;
  deleted_at_ms?: number;
}

/** How somebody wants a conversation in their list: nobody else ever gets it. */
export interface Preferences {
  change_no: number;
  muted_until_ms?: number;
  notify?: "mentions";
  pinned_no?: number;
  archived_no?: number;
  marked_unread?: boolean;
  cleared_no?: number;
}

/** A conversation in the list of one of its members. */
export interface Conversation {
  id: string;
  kind: "direct" | "group" | "saved";
  title: string | null;
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
  change_no: number;
  order_no: number;
  rights?: Right[];
  photo?: string;
  preferences?: Preferences;
  request?: boolean;
}

/** The message that another one answers. */
export interface Reply {
  id: string;
  number: number;
}

/** An emoji, and how many have put it. */
export interface Reaction {
  emoji: string;
  count: number;
}

/** The current state of a message, as every reader of its conversation gets it. */
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
  reply_to?: Reply;
  reactions?: readonly Reaction[];
  type_version?: number;
  view?: View;
}

/** What the reader has put on a message: the mark of its type, and reactions. */
export interface Own {
  mark?: unknown;
  reactions?: string[];
}

/** Somebody sent a message. */
export interface MessageCreated {
  message: Message;
}

/** It was edited, or somebody acted on it: the message as it is now, with a higher `rev`. */
export interface MessageUpdated {
  message: Message;
}

/** What is left of a message: its number, author and `deleted_at_ms`. */
export interface MessageDeleted {
  message: Message;
}

/** `by` has put `emoji` on a message (`on`) or taken it away; `count` have it there. */
export interface ReactionChanged {
  message_id: string;
  number: number;
  emoji: string;
  count: number;
  on: boolean;
}

/** The conversation began. */
export interface ConversationCreated {
  kind: "direct" | "group" | "saved";
  title: string | null;
}

/** A group has another title, photo, description or rules; what did not change is left out. */
export interface ConversationUpdated {
  title?: string | null;
  photo?: string | null;
  description?: string | null;
  rules?: string | null;
}

/** Somebody is a member now, and may read messages from `from_number` on. */
export interface MemberJoined {
  user: User;
  from_number: number;
  via?: "link" | "request";
}

/** Somebody left or was removed: `user` is their id. */
export interface MemberRemoved {
  user: string;
}

/** A member has another role: `user` is their id. */
export interface MemberUpdated {
  user: string;
  role: "admin" | "member" | "owner";
}

/** Somebody, `user` by their id, cannot be added any more, or can be again (not `on`). */
export interface MemberBanned {
  user: string;
  on: boolean;
}

/** The user is a member of a conversation now. */
export interface ConversationAdded {
  conversation: string;
}

/** The user is a member of a conversation no longer. */
export interface ConversationRemoved {
  conversation: string;
}

/** What the user has put on a message, null for nothing. */
export interface MarkChanged {
  conversation: string;
  message_id: string;
  mark: unknown;
}

/** What is shown of the account now. */
export interface AccountUpdated {
  display_name: string;
  language: string | null;
  theme: string | null;
  photo: string | null;
}

/** What somebody is to the user now, null where it is nothing. */
export interface ContactUpdated {
  user: User;
  contact: Contact | null;
}

/** How the user wants a conversation in their list now. */
export interface PreferencesUpdated {
  conversation: string;
  preferences: Preferences;
}

/** Who may do what is another now, as in `Privacy`; what did not change is left out. */
export interface PrivacyUpdated {
  find?: "contacts" | "everybody" | "known" | "nobody";
  message?: "contacts" | "everybody" | "known" | "nobody";
  requests?: "contacts" | "everybody" | "known" | "nobody";
  add?: "contacts" | "everybody" | "known" | "nobody";
  email?: "contacts" | "everybody" | "known" | "nobody";
  photo?: "contacts" | "everybody" | "known" | "nobody";
  last_seen?: "contacts" | "everybody" | "known" | "nobody";
  receipts?: "contacts" | "everybody" | "known" | "nobody";
  typing?: "contacts" | "everybody" | "known" | "nobody";
}

/** In which of the user's settings somebody is an exception now, null where in none. */
export interface ExceptionsUpdated {
  user: User;
  exceptions: Exceptions | null;
}

/** Whether the user has blocked somebody now: since when, or null. */
export interface BlockUpdated {
  user: User;
  since_ms: number | null;
}

/** Whether a message of somebody waits to be accepted by the user: since when, or null. */
export interface RequestUpdated {
  user: User;
  since_ms: number | null;
}

/** Somebody asks to join a group whose members the user may let in, or not any more. */
export interface JoinRequestUpdated {
  conversation: string;
  user: User;
  waiting: boolean;
}

/** Something that the reader may not know, as what happens to messages from before their time. */
export interface Hidden {}

/** Parameters of `message.drawn`: how a message looks that was sent without its view. */
export interface Drawn {
  conversation: string;
  message: string;
  rev: number;
  view: View;
}

/** Result of `sync`: what changed since, the latest change first. */
export interface SyncResult {
  epoch: string;
  since: string;
  me: Me;
  conversations: Conversation[];
  users: Record<string, Name>;
  more: boolean;
  features: string[];
  view: string | null;
  rights: Record<string, Right[]>;
}

/** Result of `message.history`; `seq` is the log position that the page is as new as. */
export interface HistoryPage {
  messages: Message[];
  users: Record<string, Name>;
  seq: number;
  more_before: boolean;
  more_after: boolean;
  own: Record<string, Own>;
  events: LogEvent[];
}

/** Result of `message.get`: those that there are and that the reader may see. */
export interface MessagesFound {
  messages: Message[];
  users: Record<string, Name>;
  own: Record<string, Own>;
  more: boolean;
}

/** Result of `log.read`: all of the log in `(after, seq]`; it goes on to `newest`. */
export interface LogPage {
  events: LogEvent[];
  after: number;
  seq: number;
  newest: number;
}

/** Result of `conversation.set`: how the caller wants it now. */
export interface PreferencesNow {
  conversation: string;
  preferences: Preferences;
}

/** What somebody is to the caller after the command; `contact` is null where it is nothing. */
export interface ContactNow {
  user: User;
  contact: Contact | null;
}

/** Result of `contact.list`, in the order of ids. */
export interface ContactsFound {
  contacts: Contact[];
  users: Record<string, Name>;
  more: boolean;
  seq: number;
}

/** A code that was made, or the same for a retry: it is shown in no other way again. */
export interface CodeCreated {
  id: string;
  code: string;
  url: string;
}

/** A code of one's own, without the code: null is no label, no end, any number of `uses`. */
export interface CodeInfo {
  id: string;
  label: string | null;
  created_at_ms: number;
  expires_at_ms: number | null;
  uses: number | null;
  used: number;
}

/** Result of `contact.code_list`: the newest first, but for those that were revoked. */
export interface CodesFound {
  codes: CodeInfo[];
  more: boolean;
}

/** A group as its invitation shows it, and what the caller is to it. */
export interface GroupShown {
  title: string;
  member_count: number;
  approval: boolean;
  state: "member" | "outside" | "waiting";
  conversation?: string;
  description?: string;
  photo?: string;
}

/** Result of `contact.code_open`: what a code is for. */
export interface CodeOpened {
  user?: User;
  contact?: Contact;
  group?: GroupShown;
}

/** An invitation, without the code: null is no label, no end, any number of `uses`. */
export interface InviteInfo {
  id: string;
  made_by: string;
  label: string | null;
  created_at_ms: number;
  expires_at_ms: number | null;
  uses: number | null;
  used: number;
  approval: boolean;
  works: boolean;
}

/** Result of `conversation.invite_list`: the newest first, but for those that were revoked. */
export interface InvitesFound {
  invites: InviteInfo[];
  users: Record<string, Name>;
  more: boolean;
}

/** Result of `conversation.join`: a `member` of `conversation`, or `waiting`. */
export interface Joined {
  state: "member" | "waiting";
  conversation?: string;
}

/** Somebody who asks to join: since when, and by which `invitation`. */
export interface JoinRequest {
  user: User;
  at_ms: number;
  invitation: string;
}

/** Result of `conversation.join_requests`: those that wait, in the order of users' ids. */
export interface JoinRequestsFound {
  requests: JoinRequest[];
  more: boolean;
}

/** One's settings, as new as event `seq` of one's own log. */
export interface PrivacyNow {
  privacy: Privacy;
  seq: number;
}

/** Result of `privacy.except`; `exceptions` is null where there is none. */
export interface ExceptionsNow {
  user: User;
  exceptions: Exceptions | null;
}

/** Result of `privacy.exceptions`, in the order of ids. */
export interface ExceptionsFound {
  exceptions: Exceptions[];
  users: Record<string, Name>;
  more: boolean;
  seq: number;
}

/** Whom the caller has blocked, and since when. */
export interface Block {
  user: string;
  since_ms: number;
}

/** Since when the caller has blocked somebody, null where they have not. */
export interface BlockNow {
  user: User;
  since_ms: number | null;
}

/** Result of `user.blocked`, in the order of ids. */
export interface BlockedFound {
  blocked: Block[];
  users: Record<string, Name>;
  more: boolean;
  seq: number;
}

/** A message that waits, without all but its `text`, of which the beginning is here. */
export interface MessageRequest {
  user: string;
  since_ms: number;
  text: string | null;
}

/** Result of `request.list`, in the order of ids. */
export interface RequestsFound {
  requests: MessageRequest[];
  users: Record<string, Name>;
  more: boolean;
  seq: number;
}

/** Somebody who was found: as in `User`, what they are to the caller, and in how many groups both are. */
export interface PersonFound {
  id: string;
  username: string;
  display_name: string;
  photo?: string | null;
  contact?: Contact;
  shared?: number;
}

/** Result of `user.search`: contacts first, then people of one's groups. */
export interface PeopleFound {
  users: PersonFound[];
  everybody: boolean;
}

/** An action of a message type; `params` is a JSON Schema. */
export interface ActionInfo {
  name: string;
  may: string;
  params: Record<string, unknown>;
}

/** A message type and the plugin it came with. */
export interface TypeInfo {
  type: string;
  plugin: string;
  editable: boolean;
  actions: ActionInfo[];
}

/** Where a message stands in its log. */
export interface Sent {
  id: string;
  seq: number;
  number: number;
  sent_at_ms: number;
}

interface Entry {
  log: string;
  after: number;
  seq: number;
  at_ms: number;
  by?: string;
}

/** An event as a page of `log.read` has it; what its `data` is, its kind says. */
export type LogEvent =
  | (Entry & { kind: "message.created"; data: MessageCreated })
  | (Entry & { kind: "message.updated"; data: MessageUpdated })
  | (Entry & { kind: "message.deleted"; data: MessageDeleted })
  | (Entry & { kind: "reaction.changed"; data: ReactionChanged })
  | (Entry & { kind: "conversation.created"; data: ConversationCreated })
  | (Entry & { kind: "conversation.updated"; data: ConversationUpdated })
  | (Entry & { kind: "member.joined"; data: MemberJoined })
  | (Entry & { kind: "member.removed"; data: MemberRemoved })
  | (Entry & { kind: "member.updated"; data: MemberUpdated })
  | (Entry & { kind: "member.banned"; data: MemberBanned })
  | (Entry & { kind: "conversation.added"; data: ConversationAdded })
  | (Entry & { kind: "conversation.removed"; data: ConversationRemoved })
  | (Entry & { kind: "mark.changed"; data: MarkChanged })
  | (Entry & { kind: "account.updated"; data: AccountUpdated })
  | (Entry & { kind: "contact.updated"; data: ContactUpdated })
  | (Entry & { kind: "preferences.updated"; data: PreferencesUpdated })
  | (Entry & { kind: "privacy.updated"; data: PrivacyUpdated })
  | (Entry & { kind: "privacy.exceptions_updated"; data: ExceptionsUpdated })
  | (Entry & { kind: "block.updated"; data: BlockUpdated })
  | (Entry & { kind: "request.updated"; data: RequestUpdated })
  | (Entry & { kind: "join_request.updated"; data: JoinRequestUpdated })
  | (Entry & { kind: "hidden"; data: Hidden });
