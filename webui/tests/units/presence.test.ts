import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { BEN, CHAT, ME, NOON_MS, settled } from "./page";
import type { Socket } from "../../src/net/socket";
import type { LogEvent, Presence } from "../../src/net/wire";
import { lastSeen, typingIn } from "../../src/i18n/presence";
import { Texts } from "../../src/i18n/texts";
import { Times } from "../../src/i18n/time";
import { Directory } from "../../src/state/directory";
import { Presences } from "../../src/state/presence";
import { Store } from "../../src/state/store";

const CLEO = "0".repeat(31) + "3";
const HERE: Presence = { online: true };
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Asked = [string, { users?: string[]; conversation?: string; on?: boolean }];

/** A server where these are online, and which may fail. */
function started(online: readonly string[] = [], fails = () => false) {
  const asked: Asked[] = [];
  const call = async (...one: Asked) => {
    asked.push(one);
    if (fails()) throw new Error("no answer");
    return { users: Object.fromEntries(online.map((id) => [id, HERE])) };
  };
  const store = new Store(ME);
  store.learnUsers({ [BEN.id]: BEN });
  const socket = { call } as unknown as Socket;
  return { asked, presences: new Presences(store, socket, new Directory(store, socket)) };
}

const passes = async (ms: number) => {
  mock.timers.tick(ms);
  await settled();
};
const watched = (asked: readonly Asked[]) => asked.map(([, { users }]) => users);
const told = (asked: readonly Asked[]) => asked.map(([, { conversation, on }]) => `${conversation!.slice(0, 1)} ${on}`);

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS }));
afterEach(() => mock.timers.reset());

test("whom the page shows is watched a moment after it came to rest, and once", async () => {
  const { asked, presences } = started([BEN.id]);
  presences.up();
  const hide = presences.show(BEN.id);
  await passes(200);
  presences.show(CLEO);
  presences.show(BEN.id)();
  assert.deepEqual(asked, []);
  await passes(200);
  assert.deepEqual(watched(asked), [[BEN.id, CLEO]]);
  assert.deepEqual([presences.of(BEN.id), presences.of(CLEO)], [HERE, undefined]);
  // The same list is not asked for again.
  presences.show(BEN.id)();
  await passes(1_000);
  assert.equal(asked.length, 1);
  hide();
  await passes(1_000);
  assert.deepEqual(watched(asked).at(-1), [CLEO]);
});

test("of too many the newest are watched", async () => {
  const { asked, presences } = started();
  presences.up();
  const all = Array.from({ length: 250 }, (_, n) => n.toString(16).padStart(32, "0"));
  for (const id of all) presences.show(id);
  await passes(1_000);
  assert.deepEqual(watched(asked), [all.slice(50)]);
});

test("after a connection is lost nothing is known, and it is asked again at the next", async () => {
  const { asked, presences } = started([BEN.id]);
  presences.show(BEN.id);
  await passes(1_000);
  // Nothing is asked without a connection.
  assert.deepEqual(asked, []);
  presences.up();
  await passes(1_000);
  presences.hearTyping({ conversation: CHAT, user: BEN.id, on: true });
  presences.down();
  assert.equal(presences.of(BEN.id), undefined);
  assert.deepEqual([...presences.typing(CHAT)], []);
  presences.up();
  await passes(1_000);
  assert.deepEqual(watched(asked), [[BEN.id], [BEN.id]]);
  assert.deepEqual(presences.of(BEN.id), HERE);
});

test("what is told later counts, and who is shown no longer is not known", async () => {
  const { presences } = started([BEN.id, CLEO]);
  presences.up();
  presences.show(BEN.id);
  await passes(1_000);
  const away = { online: false, last_seen_ms: NOON_MS };
  presences.hear({ [BEN.id]: away, [CLEO]: null });
  assert.deepEqual([presences.of(BEN.id), presences.of(CLEO)], [away, undefined]);
});

test("a list that was not answered is asked for with the next change", async () => {
  let broken = true;
  const { asked, presences } = started([BEN.id], () => broken);
  presences.up();
  presences.show(BEN.id);
  await passes(1_000);
  assert.equal(presences.of(BEN.id), undefined);
  broken = false;
  presences.show(BEN.id);
  await passes(1_000);
  assert.equal(asked.length, 2);
  assert.deepEqual(presences.of(BEN.id), HERE);
});

test("somebody types for six seconds, until told off, or until the message comes", async () => {
  const { asked, presences } = started();
  const types = (user: string, on = true) => presences.hearTyping({ conversation: CHAT, user, on });
  const now = () => [...presences.typing(CHAT)];
  types(BEN.id);
  await passes(4_000);
  types(CLEO);
  types(BEN.id);
  await settled();
  // Who is named has to be known.
  assert.deepEqual(watched(asked), [[CLEO]]);
  assert.deepEqual(now(), [BEN.id, CLEO]);
  await passes(5_000);
  assert.deepEqual(now(), [BEN.id, CLEO]);
  await passes(1_000);
  assert.deepEqual(now(), []);
  types(BEN.id);
  types(CLEO);
  types(BEN.id, false);
  assert.deepEqual(now(), [CLEO]);
  const said = { kind: "message.created", log: CHAT, by: CLEO } as LogEvent;
  presences.hearEvent({ ...said, kind: "reaction.changed" } as LogEvent);
  assert.deepEqual(now(), [CLEO]);
  presences.hearEvent(said);
  assert.deepEqual(now(), []);
});

test("that one types is told at most every three seconds, and its end once", async () => {
  const { asked, presences } = started();
  presences.type(CHAT, false);
  for (let second = 0; second < 7; second++) {
    presences.type(CHAT, true);
    await passes(1_000);
  }
  assert.deepEqual(told(asked), ["c true", "c true", "c true"]);
  presences.type(CHAT, false);
  presences.type(CHAT, false);
  assert.deepEqual(told(asked).slice(3), ["c false"]);
  // Another conversation has its own time.
  presences.type(CHAT, true);
  presences.type("d".repeat(32), true);
  assert.deepEqual(told(asked).slice(4), ["c true", "d true"]);
  // What others have forgotten is not ended.
  await passes(6_000);
  presences.type(CHAT, false);
  assert.equal(asked.length, 6);
});

test("a refusal of what is typed is nobody's problem", async () => {
  const { asked, presences } = started([], () => true);
  presences.type(CHAT, true);
  await settled();
  assert.equal(asked.length, 1);
});

test("when somebody was last seen is said in words", () => {
  const texts = new Texts("en", {});
  const times = new Times("en");
  const said = (agoMs: number | undefined) => lastSeen(agoMs === undefined ? undefined : NOON_MS - agoMs, times, texts, NOON_MS);
  assert.equal(said(undefined), "last seen recently");
  assert.equal(said(-5 * MINUTE_MS), "last seen recently");
  assert.equal(said(MINUTE_MS - 1), "last seen recently");
  assert.equal(said(MINUTE_MS), "last seen 1 minute ago");
  assert.equal(said(59 * MINUTE_MS), "last seen 59 minutes ago");
  assert.equal(said(HOUR_MS), "last seen at 11:00");
  assert.equal(said(13 * HOUR_MS), "last seen yesterday at 23:00");
  assert.equal(said(35 * HOUR_MS), "last seen yesterday at 01:00");
  assert.equal(said(37 * HOUR_MS), "last seen on 18 May");
  assert.equal(said(400 * 24 * HOUR_MS), "last seen on 15 April 2025");
});

test("who types is named in groups alone", () => {
  const texts = new Texts("en", {});
  assert.equal(typingIn(["Ben"], false, texts), "typing…");
  assert.equal(typingIn(["Ben"], true, texts), "Ben is typing…");
  assert.equal(typingIn(["Ben", "Cleo"], true, texts), "Ben and Cleo are typing…");
  assert.equal(typingIn(["Ben", "Cleo", "Dan"], true, texts), "3 people are typing…");
});
