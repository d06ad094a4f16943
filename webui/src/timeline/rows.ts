// Turns messages into the rows that are drawn: who is grouped with whom, where a day begins, where
// the unread ones begin. Pure. Invariants: a row that would be equal to the one before is that very
// object, so that it is not drawn again; and adding older messages changes no row but their own.

import type { LogEvent, Message, Own, User } from "../net/wire";
import { dayNumber } from "../i18n/time";
import { namedAlike } from "../state/people";
import type { Note, Notes, Outgoing } from "../state/store";

const NOTHING: readonly LogEvent[] = [];
const GROUP_WITHIN_MS = 5 * 60_000;

export type Tick = "none" | "pending" | "sent" | "read" | "failed";

export interface Row {
  key: string;
  message: Message | null;
  outgoing: Outgoing | null;
  atMs: number;
  own: boolean;
  author: User | undefined;
  /** Somebody else's name looks the same. */
  alike: boolean;
  /** The first and the last of a group. */
  first: boolean;
  last: boolean;
  /** A day begins here. */
  day: boolean;
  /** What happened to the group before it and, at the end, after it. */
  above: readonly LogEvent[];
  below: readonly LogEvent[];
  /** The unread messages begin here. */
  unread: boolean;
  tick: Tick;
  /** What the reader has put on it, and what they have asked of it. */
  mine: Own | undefined;
  note: Note | undefined;
}

export interface RowsFrom {
  messages: readonly Message[];
  /** What happened between them, by `seq`. */
  lines: readonly LogEvent[];
  moreBefore: boolean;
  moreAfter: boolean;
  outbox: readonly Outgoing[];
  users: Readonly<Record<string, User>>;
  meId: string;
  othersReadNo: number;
  /** Messages of others above this number are unread; -1 shows no line. */
  unreadAfter: number;
  own: Readonly<Record<string, Own>>;
  notes: Notes;
}

/** The rows; `before` are those that were drawn last. */
export function buildRows(from: RowsFrom, before: readonly Row[]): readonly Row[] {
  const { messages, users, meId, othersReadNo, unreadAfter } = from;
  const known = new Map(before.map((row) => [row.key, row]));
  const alike = namedAlike(users);
  const rows: Row[] = [];
  // What precedes the oldest loaded message is not known yet: it is not drawn, so that it never
  // changes its looks when it is.
  let start = from.moreBefore && messages.length > 1 ? 1 : 0;
  let previous: Above | null = start ? seen(messages[0]!) : null;
  let lineShown = unreadAfter < 0;
  let nextLine = start ? from.lines.filter(({ seq }) => seq < messages[0]!.seq).length : 0;
  const push = (row: Omit<Row, "first" | "last" | "day" | "unread" | "above" | "below">, line: boolean) => {
    const seq = row.message?.seq ?? Infinity;
    const since = nextLine;
    while (nextLine < from.lines.length && from.lines[nextLine]!.seq < seq) nextLine++;
    const above = nextLine > since ? from.lines.slice(since, nextLine) : NOTHING;
    const onDay = dayNumber(row.atMs);
    const day = previous?.onDay !== onDay;
    const sender = row.own ? meId : row.message?.sender ?? "";
    const joined =
      previous !== null && !day && !line && !above.length && previous.sender === sender && row.atMs - previous.atMs < GROUP_WITHIN_MS;
    const before = rows[rows.length - 1];
    if (before && joined) before.last = false;
    rows.push({ ...row, above, below: NOTHING, first: !joined, last: true, day, unread: line });
    previous = { sender, atMs: row.atMs, onDay };
  };
  for (; start < messages.length; start++) {
    const message = messages[start]!;
    const own = message.sender === meId;
    const line = !lineShown && !own && message.number > unreadAfter;
    if (line) lineShown = true;
    push(
      {
        key: own ? message.client_id : message.id,
        message,
        outgoing: null,
        atMs: message.sent_at_ms,
        own,
        author: users[message.sender],
        alike: alike.has(message.sender),
        tick: own ? (message.number <= othersReadNo ? "read" : "sent") : "none",
        mine: from.own[message.id],
        note: from.notes[message.id],
      },
      line,
    );
  }
  for (const outgoing of from.outbox) {
    push(
      {
        key: outgoing.clientId,
        message: null,
        outgoing,
        atMs: outgoing.createdAtMs,
        own: true,
        author: users[meId],
        alike: false,
        tick: outgoing.state,
        mine: undefined,
        note: undefined,
      },
      false,
    );
  }
  // What lies beyond a hole belongs to messages that are not there yet.
  if (!from.moreAfter && nextLine < from.lines.length && rows.length) rows[rows.length - 1]!.below = from.lines.slice(nextLine);
  let same = rows.length === before.length;
  for (let i = 0; i < rows.length; i++) {
    const there = known.get(rows[i]!.key);
    if (there && equal(there, rows[i]!)) rows[i] = there;
    if (rows[i] !== before[i]) same = false;
  }
  return same ? before : rows;
}

/** What the next row is compared with. */
interface Above {
  sender: string;
  atMs: number;
  onDay: number;
}

function seen({ sender, sent_at_ms }: Message): Above {
  return { sender, atMs: sent_at_ms, onDay: dayNumber(sent_at_ms) };
}

function sameLines(a: readonly LogEvent[], b: readonly LogEvent[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at]);
}

function equal(a: Row, b: Row): boolean {
  return (
    a.message === b.message &&
    a.outgoing === b.outgoing &&
    a.first === b.first &&
    a.last === b.last &&
    a.day === b.day &&
    sameLines(a.above, b.above) &&
    sameLines(a.below, b.below) &&
    a.unread === b.unread &&
    a.tick === b.tick &&
    a.author === b.author &&
    a.alike === b.alike &&
    a.mine === b.mine &&
    a.note === b.note
  );
}
