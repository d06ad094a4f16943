import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { BEN, CHAT, conversation, ME, message, NOON_MS, settled } from "./page";
import type { Socket } from "../../src/net/socket";
import { type Conversation, type LogEvent, NoAnswer, Refusal } from "../../src/net/wire";
import type { Cache } from "../../src/state/cache";
import { Blocks } from "../../src/state/blocks";
import { Contacts } from "../../src/state/contacts";
import { Directory } from "../../src/state/directory";
import { MessageHistory } from "../../src/state/history";
import { MessageRequests } from "../../src/state/message_requests";
import { Kept } from "../../src/state/kept";
import { Logs } from "../../src/state/logs";
import type { Outbox } from "../../src/state/outbox";
import { ReadPositions } from "../../src/state/positions";
import { Presences } from "../../src/state/presence";
import { ReadingPlaces } from "../../src/state/reading_places";
import { Store } from "../../src/state/store";
import { Sync } from "../../src/state/sync";

type Answers = Record<string, (params: Record<string, unknown>) => unknown>;

/** A server that is played by functions, one a command. */
class Played {
  asked: [string, Record<string, unknown>][] = [];
  restarts = 0;
  constructor(readonly answers: Answers) {}

  async call(command: string, params: Record<string, unknown>): Promise<unknown> {
    this.asked.push([command, params]);
    const answer = this.answers[command];
    if (!answer) throw new Refusal(1, "unknown_command", command, false, {});
    return answer(params);
  }

  restart(): void {
    this.restarts++;
  }

  commands(): string[] {
    return this.asked.map(([command]) => command);
  }
}

const snapshot = (conversations: Conversation[], change = {}) => ({
  epoch: "e1", since: "s1", me: { ...ME, seq: 0 }, conversations, users: { [BEN.id]: BEN }, more: false,
  rights: { direct: ["read", "send"] }, ...change,
});
const page = (numbers: number[], change = {}) => ({
  messages: numbers.map((number) => message(number)), users: {}, seq: Math.max(0, ...numbers), more_before: false, more_after: false, own: {}, events: [], ...change,
});
/** The event that announces Ben's message of this number. */
const posted = (number: number, change = {}): LogEvent => ({
  log: CHAT, after: number - 1, seq: number, kind: "message.created", by: BEN.id, at_ms: NOON_MS, data: { message: message(number) }, ...change,
});

function started(answers: Answers) {
  const store = new Store(ME);
  const played = new Played({ sync: () => snapshot([conversation({ seq: 1, message_no: 1 })]), "read.advance": () => ({}), ...answers });
  const socket = played as unknown as Socket;
  const lists: unknown[] = [];
  const keepList = async (list: unknown) => void lists.push(list);
  const cache = { page: async () => undefined, list: async () => undefined, keepList, keepPage: async () => undefined } as unknown as Cache;
  let flushed = 0;
  const outbox = { flush: () => flushed++ } as unknown as Outbox;
  const kept = new Kept(store, cache);
  const directory = new Directory(store, socket);
  const contacts = new Contacts(store, socket);
  const logs = new Logs(store, socket, directory, contacts, new Blocks(store, socket), new MessageRequests(store, socket), kept, { conversation: (id) => history.reload(id), own: () => sync.startOver() });
  const history = new MessageHistory(store, socket, logs, cache, kept, new ReadingPlaces(ME.id), "dash:en");
  const presences = new Presences(store, socket, directory);
  const sync = new Sync(store, socket, logs, history, outbox, kept, presences, "dash:en");
  return { store, presences, socket: played, sync, logs, history, directory, positions: new ReadPositions(store, socket), lists, flushed: () => flushed };
}

async function begun(answers: Answers = {}) {
  const all = started(answers);
  await all.sync.begin();
  return all;
}

async function opened(answers: Answers = {}) {
  const all = started({ "message.history": () => page([1]), ...answers });
  await all.sync.begin();
  await all.history.open(CHAT);
  await settled();
  return all;
}

const numbers = (store: Store) => store.window(CHAT).messages.map(({ number }) => number);

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS }));
afterEach(() => mock.timers.reset());

test("the snapshot's pages are the list; what is not in it is gone", async () => {
  const other = conversation({ id: "d".repeat(32) });
  const { store, sync, flushed } = started({
    sync: ({ since }) => (since === "s1" ? snapshot([other], { since: "s2" }) : snapshot([conversation()], { more: true })),
  });
  store.putConversation(conversation({ id: "e".repeat(32) }));
  await sync.begin();
  assert.deepEqual(store.list().map(({ id }) => id).sort(), [CHAT, other.id]);
  assert.deepEqual([store.online, store.synced, flushed()], [true, true, 1]);
  assert.deepEqual([store.may(CHAT, "send"), store.may(CHAT, "react")], [true, false]);
});

test("coming back asks only for what is new and keeps the rest", async () => {
  const { store, socket, sync } = await opened();
  sync.down();
  assert.equal(store.online, false);
  socket.answers["sync"] = () => snapshot([], { since: "s2" });
  await sync.begin();
  assert.equal(socket.asked[socket.asked.length - 1]?.[1]["since"], "s1");
  assert.deepEqual(numbers(store), [1]);
});

test("another epoch begins all of it again", async () => {
  const { store, socket, sync } = await opened();
  sync.down();
  socket.answers["sync"] = () => snapshot([conversation({ seq: 2, message_no: 2 })], { epoch: "e2" });
  socket.answers["message.history"] = () => page([2]);
  await sync.begin();
  await settled();
  const since = socket.asked.filter(([command]) => command === "sync").map(([, params]) => params["since"]);
  assert.deepEqual(since, [null, "s1", null]);
  assert.deepEqual(numbers(store), [2]);
});

test("frames that overtake the snapshot wait for it", async () => {
  const { store, sync } = started({ "message.history": () => page([1]) });
  const begun = sync.begin();
  sync.hear("event", posted(2));
  assert.equal(store.list().length, 0);
  await begun;
  assert.equal(store.conversation(CHAT)?.message_no, 2);
});

test("an event that continues the log is put in", async () => {
  const { store, sync } = await opened();
  sync.hear("event", posted(2));
  sync.hear("event", posted(2));
  assert.deepEqual(numbers(store), [1, 2]);
  assert.equal(store.window(CHAT).cursor, 2);
});

test("after a gap what is missing is pulled, page by page", async () => {
  const { store, socket, sync } = await opened();
  const all = [2, 3, 4].map((number) => posted(number));
  socket.answers["log.read"] = ({ after }) => {
    const events = all.filter(({ seq }) => seq > (after as number)).slice(0, 2);
    return { events, after, seq: events[events.length - 1]!.seq, newest: 4 };
  };
  sync.hear("event", posted(4));
  await settled();
  assert.deepEqual(numbers(store), [1, 2, 3, 4]);
  assert.equal(socket.commands().filter((command) => command === "log.read").length, 2);
});

test("a log that no longer reaches back is loaded instead of pulled", async () => {
  const { store, socket, sync } = await opened();
  socket.answers["log.read"] = () => {
    throw new Refusal(1, "resync", "", false, {});
  };
  socket.answers["conversation.get"] = () => conversation({ seq: 9, message_no: 9 });
  socket.answers["message.history"] = () => page([8, 9], { more_before: true });
  sync.hear("event", posted(9));
  await settled();
  assert.deepEqual(numbers(store), [8, 9]);
});

test("being removed takes the conversation away", async () => {
  const { store, sync } = await opened();
  sync.hear("event", posted(2, { kind: "member.removed", data: { user: ME.id } }));
  assert.equal(store.conversation(CHAT), undefined);
});

test("of a role only one's own is asked about", async () => {
  const { store, socket, sync } = await opened();
  socket.answers["conversation.get"] = () => conversation({ seq: 3, rights: ["read", "set_role"] });
  const asked = () => socket.commands().filter((command) => command === "conversation.get").length;
  const before = asked();
  sync.hear("event", posted(2, { kind: "member.updated", data: { user: "u2", role: "admin" } }));
  assert.equal(asked(), before);
  sync.hear("event", posted(3, { kind: "member.updated", data: { user: ME.id, role: "owner" } }));
  await settled();
  assert.equal(asked(), before + 1);
  assert.equal(store.may(CHAT, "set_role"), true);
  assert.deepEqual(store.window(CHAT).lines.map(({ seq }) => seq), [2, 3]);
});

test("whoever is in a line is asked about, once", async () => {
  const { store, socket, sync } = await opened();
  socket.answers["user.get"] = () => ({ users: [{ id: "u3", username: "cem", display_name: "Cem" }] });
  sync.hear("event", posted(2, { kind: "member.banned", data: { user: "u3", on: true } }));
  await settled();
  assert.equal(store.users["u3"]?.display_name, "Cem");
  assert.equal(socket.commands().filter((command) => command === "conversation.get").length, 0);
});

test("who shows those who ask to join hears that there are others", async () => {
  const { store, sync } = await opened();
  const before = store.joins;
  const user = { id: "u3", username: "cem", display_name: "Cem" };
  const asks: LogEvent = {
    log: ME.id, after: 0, seq: 1, kind: "join_request.updated", by: "u3", at_ms: NOON_MS, data: { conversation: CHAT, user, waiting: true },
  };
  sync.hear("event", asks);
  assert.notEqual(store.joins, before);
});

test("a new title is there without a question", async () => {
  const { store, socket, sync } = await opened();
  const before = socket.asked.length;
  sync.hear("event", posted(2, { kind: "conversation.updated", data: { title: "Tea" } }));
  assert.equal(store.conversation(CHAT)?.title, "Tea");
  assert.equal(socket.asked.length, before);
});

test("one's own log tells of new conversations and of marks", async () => {
  const { store, socket, sync } = await opened();
  const other = "d".repeat(32);
  socket.answers["conversation.get"] = () => conversation({ id: other });
  const own = { log: ME.id, by: ME.id, at_ms: NOON_MS };
  sync.hear("event", { ...own, after: 0, seq: 1, kind: "conversation.added", data: { conversation: other } });
  sync.hear("event", { ...own, after: 1, seq: 2, kind: "mark.changed", data: { conversation: CHAT, message_id: "m1", mark: [1] } });
  await settled();
  assert.equal(store.conversation(other)?.id, other);
  assert.deepEqual(store.window(CHAT).own["m1"], { mark: [1] });
});

test("a conversation that is asked for already has its messages when it is opened", async () => {
  const other = "d".repeat(32);
  const { store, socket, sync, history } = await opened({ "message.history": () => page([]) });
  let answer: (got: Conversation) => void = () => undefined;
  socket.answers["conversation.get"] = () => new Promise<Conversation>((resolve) => (answer = resolve));
  const added = { kind: "conversation.added", data: { conversation: other } } as const;
  sync.hear("event", { log: ME.id, after: 0, seq: 1, by: ME.id, at_ms: NOON_MS, ...added });
  void history.open(other);
  await settled();
  answer(conversation({ id: other }));
  await settled();
  answer(conversation({ id: other }));
  await settled();
  assert.equal(store.hasWindow(other), true);
});

test("what a lost connection left unfinished is asked for on the next", async () => {
  const { store, socket, sync, history } = await opened();
  const other = "d".repeat(32);
  const lost: ((error: Error) => void)[] = [];
  socket.answers["conversation.get"] = () => new Promise((_, reject) => lost.push(reject));
  void history.open(other);
  await settled();
  sync.down();
  socket.answers["conversation.get"] = () => conversation({ id: other });
  socket.answers["message.history"] = () => page([]);
  await sync.begin();
  lost[0]!(new NoAnswer());
  await settled();
  assert.equal(store.hasWindow(other), true);
});

test("what gets no answer says so, instead of seeming to load", async () => {
  const { store, socket, sync, history } = started({});
  socket.answers["message.history"] = () => {
    throw new NoAnswer();
  };
  await sync.begin();
  await history.open(CHAT);
  assert.equal(store.window(CHAT).failed, "error");
});

test("without an answer about a conversation its messages are asked for all the same", async () => {
  const { store, socket, sync, history } = started({ sync: () => snapshot([]), "message.history": () => page([]) });
  socket.answers["conversation.get"] = () => {
    throw new NoAnswer();
  };
  await sync.begin();
  await history.open(CHAT);
  assert.equal(store.hasWindow(CHAT), true);
});

test("an event that comes while a log is loaded again is not missed", async () => {
  const { store, socket, sync } = await opened({ "conversation.get": () => conversation({ seq: 9, message_no: 9 }) });
  socket.answers["log.read"] = () => {
    throw new Refusal(1, "resync", "", false, {});
  };
  socket.answers["message.history"] = () => {
    // The page was made before the tenth message, which is announced before the page comes.
    socket.answers["log.read"] = ({ after }) => ({ events: [posted(10)], after, seq: 10, newest: 10 });
    sync.hear("event", posted(10));
    return page([8, 9], { more_before: true });
  };
  sync.hear("event", posted(9));
  await settled();
  assert.deepEqual(numbers(store), [8, 9, 10]);
});

test("a conversation with many unread opens where they begin", async () => {
  const { socket, sync, history } = started({
    sync: () => snapshot([conversation({ seq: 90, message_no: 90, read_no: 30, unread: 60 })]),
    "message.history": () => page([31], { seq: 90 }),
  });
  await sync.begin();
  await history.open(CHAT);
  const [, params] = socket.asked[socket.asked.length - 1]!;
  assert.deepEqual([params["around"], params["limit"]], [31, 50]);
});

test("what cannot be loaded is told by the window", async () => {
  const { store, socket, sync, history } = started({});
  socket.answers["message.history"] = () => {
    throw new Refusal(1, "internal_error", "", false, {});
  };
  await sync.begin();
  await history.open(CHAT);
  assert.deepEqual([store.window(CHAT).failed, store.window(CHAT).loading], ["error", ""]);
});

test("a quoted message is asked for once", async () => {
  const { socket, history } = await opened({ "message.get": () => ({ messages: [message(7)], users: {} }) });
  assert.equal(history.quoted(CHAT, { id: "m1", number: 1 })?.id, "m1");
  assert.equal(history.quoted(CHAT, { id: "m7", number: 7 }), null);
  assert.equal(history.quoted(CHAT, { id: "m7", number: 7 }), null);
  await settled();
  assert.equal(history.quoted(CHAT, { id: "m7", number: 7 })?.text, "Words 7");
  assert.equal(socket.commands().filter((command) => command === "message.get").length, 1);
});

test("read positions are told at once and then every two seconds", async () => {
  const { store, socket, sync, positions } = await opened();
  for (const number of [2, 3, 4]) sync.hear("event", posted(number));
  const told = () => socket.asked.filter(([command]) => command === "read.advance").map(([, params]) => params["message_no"]);
  for (const number of [2, 3, 4]) positions.advance(CHAT, number);
  assert.equal(store.conversation(CHAT)?.unread, 0);
  assert.deepEqual(told(), [2]);
  mock.timers.tick(2_000);
  assert.deepEqual(told(), [2, 4]);
  mock.timers.tick(2_000);
  assert.deepEqual(told(), [2, 4]);
});

/** The event that tells that Ben's message of this number was deleted. */
const deleted = (number: number, seq: number): LogEvent => ({
  log: CHAT, after: seq - 1, seq, kind: "message.deleted", by: BEN.id, at_ms: NOON_MS,
  data: { message: message(number, { rev: 99, text: null, content: null, deleted_at_ms: NOON_MS }) },
});

for (const seen of [true, false]) {
  test(`what was deleted before it was read is not unread, ${seen ? "opened" : "in the list"}`, async () => {
    const { store, sync } = await (seen ? opened() : begun());
    for (const number of [2, 3, 4]) sync.hear("event", posted(number));
    const unread = () => store.conversation(CHAT)?.unread;
    assert.equal(unread(), 3);
    sync.hear("event", deleted(4, 5));
    assert.equal(unread(), 2);
    assert.equal(store.conversation(CHAT)?.last?.deleted_at_ms, NOON_MS);
    sync.hear("event", deleted(4, 5));
    assert.equal(unread(), 2);
    sync.hear("read", { conversation: CHAT, read_no: 2, unread: 1 });
    sync.hear("event", deleted(2, 6));
    assert.equal(unread(), 1);
    sync.hear("event", deleted(3, 7));
    assert.equal(unread(), 0);
  });
}

test("reading on leaves out what is known to be deleted further on", async () => {
  const { store, sync } = await opened();
  for (const number of [2, 3, 4, 5]) sync.hear("event", posted(number));
  sync.hear("event", deleted(3, 6));
  sync.hear("event", deleted(5, 7));
  assert.equal(store.conversation(CHAT)?.unread, 2);
  store.read(CHAT, 2);
  assert.equal(store.conversation(CHAT)?.unread, 1);
  store.read(CHAT, 4);
  assert.equal(store.conversation(CHAT)?.unread, 0);
});

test("what was missed is counted once, deleted or not", async () => {
  // `log.read` has each message as it is now.
  const gone = deleted(2, 4);
  const events = [{ ...posted(2), data: gone.data }, posted(3), gone] as LogEvent[];
  const { store, sync } = await opened({ "log.read": () => ({ events, after: 1, seq: 4, newest: 4 }) });
  sync.hear("event", { ...deleted(2, 4), after: 3 } as LogEvent);
  await settled();
  assert.equal(store.conversation(CHAT)?.unread, 1);
});

test("a deletion that the snapshot knows is not counted again", async () => {
  const { store, sync, socket } = await opened({ "log.read": () => ({ events: [posted(2), posted(3), deleted(3, 4)], after: 1, seq: 4, newest: 4 }) });
  sync.down();
  socket.answers["sync"] = () => snapshot([conversation({ seq: 4, message_no: 3, unread: 1 })], { since: "s2" });
  await sync.begin();
  await settled();
  assert.deepEqual([numbers(store), store.conversation(CHAT)?.unread], [[1, 2, 3], 1]);
});

test("a conversation that is asked for again keeps its place until something is said", async () => {
  const [first, second] = ["a".repeat(32), "b".repeat(32)] as [string, string];
  const { store, sync, logs } = await begun({
    sync: () => snapshot([conversation({ id: first, order_no: 7 }), conversation({ id: second, order_no: 5 })]),
  });
  const order = () => store.list().map(({ id }) => id);
  const said = (log: string): LogEvent => ({ ...posted(1), log, data: { message: message(1, { id: `of ${log}`, conversation: log }) } }) as LogEvent;
  sync.hear("event", said(first));
  sync.hear("event", said(second));
  assert.deepEqual(order(), [second, first]);
  // The server's numbers are larger: others said something elsewhere.
  const { last } = store.conversation(first)!;
  logs.refresh(conversation({ id: first, seq: 2, message_no: 1, last, order_no: 30 }));
  assert.deepEqual(order(), [second, first]);
  logs.refresh(conversation({ id: first, seq: 3, message_no: 2, last: { ...last!, id: "another", number: 2 }, order_no: 50 }));
  assert.deepEqual(order(), [first, second]);
});

test("people who are asked for in one turn are asked for together, once", async () => {
  const { store, socket, directory } = await opened({ "user.get": ({ users }) => ({ users: (users as string[]).map((id) => ({ ...BEN, id })) }) });
  directory.learn("a1");
  directory.learn("a2");
  await settled();
  directory.learn("a1");
  await settled();
  const asked = socket.asked.filter(([command]) => command === "user.get").map(([, params]) => params["users"]);
  assert.deepEqual(asked, [["a1", "a2"]]);
  assert.equal(store.users["a2"]?.display_name, "Ben");
});

test("a snapshot without an answer begins the connection again", async () => {
  const { socket, sync } = started({});
  socket.answers["sync"] = () => {
    throw new NoAnswer();
  };
  await sync.begin();
  assert.equal(socket.restarts, 1);
});

test("what is known is kept a second after it changed", async () => {
  const { sync, lists } = await opened();
  mock.timers.tick(1_000);
  assert.equal(lists.length, 1);
  sync.hear("event", posted(2));
  sync.hear("event", posted(3));
  mock.timers.tick(1_000);
  assert.equal(lists.length, 2);
});

test("who came and went is told where it happened, by the page and by events", async () => {
  const gone = (seq: number): LogEvent => ({ log: CHAT, after: seq - 1, seq, kind: "member.removed", by: ME.id, at_ms: NOON_MS, data: { user: BEN.id } });
  const { store, sync } = await opened({
    "message.history": () => page([2], { seq: 4, events: [gone(1), gone(3)] }), "conversation.get": () => conversation({ seq: 5 }),
  });
  sync.hear("event", { ...gone(5), after: 4 });
  sync.hear("event", { ...gone(5), after: 4 });
  const seqs = () => store.window(CHAT).lines.map(({ seq }) => seq);
  assert.deepEqual(seqs(), [1, 3, 5]);
  store.putPage(CHAT, { ...page([1]), events: [gone(0)] } as never, "before");
  assert.deepEqual(seqs(), [0, 1, 3, 5]);
});

test("of what is wished of a chat the newest counts, whichever comes first, until another epoch begins", async () => {
  const wished = (change_no: number) => conversation({ preferences: { change_no, pinned_no: change_no } });
  const { store, socket, sync, logs } = await begun({ sync: () => snapshot([wished(4)]), "conversation.get": () => ({ conversation: wished(4) }) });
  const number = () => store.conversation(CHAT)?.preferences?.change_no;
  assert.equal(number(), 4);
  const told = (change_no: number, seq: number) =>
    sync.hear("event", { log: ME.id, after: seq - 1, seq, kind: "preferences.updated", by: ME.id, at_ms: NOON_MS, data: { conversation: CHAT, preferences: { change_no } } });
  told(6, 1);
  assert.equal(number(), 6);
  // An answer that was on its way, and a page of the log from before the list.
  await logs.fetch(CHAT);
  told(5, 2);
  assert.equal(number(), 6);
  assert.equal(store.conversation(CHAT)?.preferences?.pinned_no, undefined);
  sync.down();
  socket.answers["sync"] = () => snapshot([wished(2)], { epoch: "e2", since: "s2" });
  await sync.begin();
  assert.equal(number(), 2);
});

test("who is there and who types is heard, and lost with the connection", async () => {
  const { presences, store, sync } = await begun();
  sync.hear("presence", { users: { [BEN.id]: { online: true } } });
  sync.hear("typing", { conversation: CHAT, user: BEN.id, on: true });
  assert.deepEqual([presences.of(BEN.id), presences.typing(CHAT)], [{ online: true }, [BEN.id]]);
  sync.hear("event", posted(2));
  assert.deepEqual([...presences.typing(CHAT)], []);
  assert.equal(store.conversation(CHAT)?.last?.number, 2);
  sync.hear("typing", { conversation: CHAT, user: BEN.id, on: true });
  sync.down();
  assert.deepEqual([presences.of(BEN.id), [...presences.typing(CHAT)]], [undefined, []]);
});

test("whom the page shows is watched again at each connection", async () => {
  const { presences, socket, sync } = started({ "presence.watch": () => ({ users: {} }) });
  presences.show(BEN.id);
  for (let times = 1; times < 3; times++) {
    await sync.begin();
    mock.timers.tick(1_000);
    await settled();
    assert.equal(socket.commands().filter((command) => command === "presence.watch").length, times);
    sync.down();
  }
});
