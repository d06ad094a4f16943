// Every word people read, once: the key that the code uses and its English.
// The build writes this list to components/texts.json; the server fills the `texts` property of the
// components from it, in the reader's language. `{name}` is filled in here. An entry with `one` and
// `other` is chosen by Intl.PluralRules on `n`; other languages may add `few`, `many`, `zero`, `two`.

import { NoAnswer, type Params, Refusal } from "../net/wire";
import type { ENTRANCE } from "./entrance_texts";
import type { PEOPLE } from "./people_texts";
import type { PLUGINS } from "./plugin_texts";

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
export type Catalogue = Record<string, string | Forms>;

export const ENGLISH = {
  chats: "Chats",
  new_chat: "New chat",
  new_group: "New group",
  saved_messages: "Saved messages",
  saved_below: "Only you see these",
  menu: "Menu",
  back: "Back",
  no_chats: "No chats yet. Find somebody and write to them.",
  chat_menu: "What to do with this chat",
  filters: "Which chats are shown",
  filter_all: "All",
  filter_unread: "Unread",
  filter_people: "People",
  filter_groups: "Groups",
  filter_archived: "Archived",
  none_unread: "You have read everything.",
  none_filtered: "No chats here.",
  pin: "Pin",
  unpin: "Unpin",
  pinned: "Pinned",
  mark_read: "Mark as read",
  mark_unread: "Mark as unread",
  marked_unread: "Marked as unread",
  mute: "Mute",
  muted: "Muted",
  unmute: "Unmute",
  mute_how_long: "Mute for how long?",
  mute_hour: "For an hour",
  mute_day: "For a day",
  mute_always: "Always",
  block: "Block",
  unblock: "Unblock",
  blocked: "You have blocked this person.",
  blocked_message: "Message of somebody you blocked",
  archive: "Archive",
  unarchive: "Move to chats",
  delete_chat: "Delete for me",
  delete_chat_both: "Delete for both",
  delete_chat_question: "Delete all messages of this chat for yourself? Others keep them.",
  delete_chat_whose: "Delete all messages of this chat?",
  leave: "Leave the group",
  leave_question: "Leave this group?",
  details: "Details",
  found_as: "Others find you as @{name}.",
  where_to: "Where to, {name}?",
  chats_unread: { one: "{n} chat has something new.", other: "{n} chats have something new." },
  none_chosen: "Choose a chat, or begin one.",
  none_yet: "Begin your first chat.",
  begin_chat: "Write to somebody",
  begin_chat_how: "By name or user name",
  begin_group: "Make a group",
  begin_group_how: "For two people or many",
  no_messages: "No messages here yet. Write the first one.",
  nothing_yet: "No messages yet",
  no_type: "No message type is installed. Ask your admin to add one.",
  not_a_member: "This chat does not exist, or you are not in it.",
  to_chats: "To all chats",
  load_failed: "The messages could not be loaded.",
  retry: "Retry",
  discard: "Discard",
  messages: "Messages",
  message: "Message",
  send: "Send",
  save: "Save",
  saving: "Saving",
  draft: "Draft:",
  you: "You:",
  unread_messages: "Unread messages",
  unread: { one: "{n} unread message", other: "{n} unread messages" },
  new_below: { one: "{n} new message below", other: "{n} new messages below" },
  to_newest: "To the newest messages",
  members: { one: "{n} member", other: "{n} members" },
  online: "online",
  seen_recently: "last seen recently",
  seen_minutes: { one: "last seen {n} minute ago", other: "last seen {n} minutes ago" },
  seen_at: "last seen at {time}",
  seen_yesterday: "last seen yesterday at {time}",
  seen_on: "last seen on {day}",
  typing: "typing…",
  typing_one: "{name} is typing…",
  typing_two: "{name} and {other} are typing…",
  typing_many: { one: "{n} person is typing…", other: "{n} people are typing…" },
  today: "Today",
  yesterday: "Yesterday",
  sending: "Sending",
  sent: "Sent",
  read: "Read",
  not_sent: "Not sent",
  no_answer: "The server did not answer.",
  deleted: "Message deleted",
  line_created: "{by} created the group",
  line_added: "{by} added {name}",
  line_joined: "{name} joined by a link",
  line_let_in: "{by} let {name} in, who asked to join",
  line_left: "{name} left the group",
  line_removed: "{by} removed {name}",
  line_banned: "{by} banned {name}",
  line_unbanned: "{by} lifted the ban of {name}",
  line_made_owner: "{by} made {name} an owner",
  line_made_admin: "{by} made {name} an admin",
  line_made_member: "{by} made {name} a member again",
  line_is_owner: "{name} is an owner now",
  line_is_admin: "{name} is an admin now",
  line_is_member: "{name} is a member again",
  line_renamed: "{by} named the group “{title}”",
  line_photo: "{by} changed the photo of the group",
  line_description: "{by} changed the description of the group",
  line_rules: "{by} changed the rules of the group",
  deleted_meanwhile: "The message was deleted. What you wrote is in the text box.",
  empty_message: "Message without text",
  somebody: "Somebody",
  message_menu: "What to do with this message",
  react: "React",
  emoji: "Emoji",
  more_emoji: "More emoji",
  reaction: "{emoji}, {n}",
  others: { one: "{n} other", other: "{n} others" },
  more_people: "Show more",
  profile: "Profile: {name}",
  write_to: "Send a message",
  contact_add: "Add to contacts",
  contact_is: "In your contacts",
  contact_sent: "You asked to be contacts",
  contact_received: "Wants to be your contact",
  contact_accept: "Accept",
  contact_decline: "Decline",
  contact_withdraw: "Take it back",
  contact_remove: "Remove from contacts",
  contacts: "Contacts",
  codes: "Your links and QR codes",
  label_add: "Add a label",
  label_hint: "A name for them that only you see",
  label_own: "Label, only you see it",
  requests: "Requests",
  requests_in: { one: "{n} request", other: "{n} requests" },
  request_first: "Your first message is sent as a request.",
  request_sent: "Sent as a request. You can write more once they accept.",
  code_refused: "This link does not work, or not any more.",
  read_by: "Read by {n}",
  read_by_nobody: "Nobody else has read it yet",
  reply: "Reply",
  edit: "Edit",
  edited: "edited",
  copy_text: "Copy text",
  copied: "Copied",
  delete: "Delete",
  delete_question: "Delete this message for everybody?",
  delete_for_all: "Delete for everybody",
  cancel: "Cancel",
  close: "Close",
  quoted_elsewhere: "Earlier message",
  waiting_for_connection: "This will be done when the connection is back.",
  sent_on_return: "This will be sent when the connection is back.",
  files_unkept: "Keep this page open until then: this browser cannot keep the files.",
  add_photo: "Add a photo",
  change_photo: "Change the photo",
  remove_photo: "Remove the photo",
  photo_coming: "The photo is on its way",
  picture: "Picture",
  zoom: "Zoom",
  download: "Download",
  previous: "Previous",
  next: "Next",
  attach: "Attach",
  write_as: "Write as: {type}",
  preview: "Preview",
  guide: "Formatting guide",
  saved: "Saved.",
  replying_to: "Reply to {name}",
  editing: "Edit message",
  add_line: "Add",
  add_files: "Add files",
  move_up: "Move up",
  move_down: "Move down",
  wrong_kind: "This kind of file cannot be sent here ({type}).",
  stays_text: "Marks stay as typed: this message was sent without formatting.",
  sent_as: "Will be sent as: {type}",
  send_as_file: "Send as file",
  log_out_offline: "There is no connection: you can log out when it is back.",
  log_out_unsent: "What you have not sent yet will be lost in this browser. Log out all the same?",
  discard_question: "Discard what you wrote?",
  discard_changes: "Discard your changes?",
  keep: "Keep writing",
  remove: "Remove",
  drop_here: "Drop files here",
  uploading: "{n} % uploaded",
  upload_failed: "The upload failed.",
  upload_lost: "The connection was lost.",
  file_too_large: "This file is larger than {size}.",
  too_many_files: "At most {n} at once.",
  nothing_found: "Nothing found",
  nothing_to_pick: "Nothing here yet.",
  search: "Search",
  slash_commands: "Commands",
  too_long: {
    one: "{n} character too many. Shorten the message to send it.",
    other: "{n} characters too many. Shorten the message to send it.",
  },
  offline: "No connection. What you write will be sent when it is back.",
  broken: "This page and the server do not understand each other. Reload the page.",
  resize: "Width of the list",
  error_required: "Please fill this in.",
  error_invisible: "Nothing in it can be seen.",
  error_too_short: { one: "At least {n} character.", other: "At least {n} characters." },
  error_too_long: { one: "At most {n} character.", other: "At most {n} characters." },
  error_at_least: "At least {n}.",
  error_at_most: "At most {n}.",
  error_action_refused: "{reason}",
  error_blob_unusable: "This file is no longer there. Please upload it again.",
  error_over_limit: "This cannot be processed: it is damaged or too large.",
  error_plugin_failed: "Something in this kind of message went wrong.",
  error_portraits_unavailable: "This server does not take photos of people and groups.",
  error_portrait_failed: "This photo could not be made ready. Please try again later.",
  error_check_failed: "This could not be checked, so it was not done. Please try again later.",
  error_unknown_slash_command: "There is no command /{name}.",
  error_no_connection: "The server cannot be reached. Check your connection and try again.",
  error_wrong_credentials: "User name or password is wrong.",
  error_username_taken: "This user name is taken.",
  error_username_invalid:
    "Use 2 to 32 Latin letters, digits, dots, hyphens or underscores; begin with a letter or digit.",
  error_password_unacceptable: "This password is too easy to guess. Choose another.",
  error_rate_limited: {
    one: "Too many attempts. Try again in {n} second.",
    other: "Too many attempts. Try again in {n} seconds.",
  },
  error_invalid_params: "Please check this.",
  error_busy: "The server is busy. Try again in a moment.",
  error_timed_out: "This took too long. Try again.",
  error_storage_failed: "The server could not store this. Try again.",
  error_internal_error: "Something went wrong on the server.",
  error_unknown_type: "Messages of this type cannot be sent here.",
  error_not_found: "You are no longer in this chat.",
  error_too_many_open_requests: "You have {limit} contact requests without an answer. Take one of them back first.",
  error_messages_not_accepted: "This person does not accept messages from you.",
  error_adding_not_allowed: "{display_name} does not let you add them to groups.",
  error_request_pending: "You can write more once this person accepts your first message.",
  error_too_many_message_requests: "You have written to {limit} people who have not accepted it yet.",
  error_blocked_by_you: "You have blocked this person. Unblock them first.",
  error_too_many_pins: "You have pinned {limit} chats. Unpin one of them first.",
  error_forbidden: "You may not do this.",
  error_setup_code_wrong: "This set-up code is wrong or was used already. The one that counts stands in the server's log.",
  error_wrong_answer: "This code is wrong, or was used before.",
  error_clock_off: "This code is for another time: the clock of the phone may be wrong. Let the phone set its time by itself, then type a new code.",
  error_login_ended: "This log-in has ended. Please enter your password again.",
  error_factor_unavailable: "Your second step cannot be checked at the moment. Please ask the administrator.",
  error_wrong_password: "The password is wrong.",
  error_answer_needed: "A code of your second step is needed for this.",
  error_setup_ended: "This set-up has ended. Please begin again.",
  error_files_gone: "The files are no longer in this browser. Please choose them again.",
  error_too_large: "This is too large to send.",
  error_account_deactivated: "This account has been deactivated.",
  error_quota_exceeded: "There is no room left for your files. Delete some that you no longer need.",
  error_disk_low: "The server has no room for files at the moment. Try again later.",
  error_file_damaged: "This file is damaged on the server. Please ask for it to be sent again.",
  error_upload_too_slow: "The connection was too slow for this file. Please try again on a better one.",
} satisfies Catalogue;

export type Key = keyof typeof ENGLISH | keyof typeof ENTRANCE | keyof typeof PEOPLE | keyof typeof PLUGINS;

/** The words of one language. */
export class Texts {
  readonly language: string;
  private readonly catalogue: Catalogue;
  private readonly plurals: Intl.PluralRules;
  /** The English of what was loaded later. */
  private later: Catalogue = {};

  constructor(language: string, catalogue: Catalogue) {
    this.language = language;
    this.catalogue = catalogue;
    this.plurals = new Intl.PluralRules(language);
  }

  /** Take the words of a script that was loaded later. */
  learn(words: Catalogue): void {
    this.later = { ...this.later, ...words };
  }

  t(key: Key, params: Params = {}): string {
    return this.find(key, params) ?? key;
  }

  /** The sentence for a failure's key; undefined where we have none and the server's is shown. */
  failure(key: string, params: Params): string | undefined {
    // A plugin's own refusal, in the plugin's own translation.
    const refused = `refused ${params["sentence"] ?? params["reason"]}`;
    if (this.catalogue[refused] !== undefined) return this.find(refused, params);
    const { rule } = params;
    return this.find(`error_${rule === "invalid" ? "invalid_params" : rule ?? key}`, params);
  }

  /** Why a command was not done. */
  reason(error: unknown): string {
    if (error instanceof Refusal) return this.failure(error.key, error.params) ?? error.message;
    return error instanceof NoAnswer ? this.t("no_answer") : String(error);
  }

  private find(key: string, params: Params): string | undefined {
    const entry = this.catalogue[key] ?? (ENGLISH as Catalogue)[key] ?? this.later[key];
    if (entry === undefined) return undefined;
    const sentence =
      typeof entry === "string"
        ? entry
        : entry[this.plurals.select(Number(params["n"] ?? 0))] ?? entry.other;
    return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
  }
}
