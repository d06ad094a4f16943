import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, ME } from "./page";
import type { Socket } from "../../src/net/socket";
import type { MessageRequest } from "../../src/net/wire";
import { MessageRequests } from "../../src/state/message_requests";
import { Store } from "../../src/state/store";

const request = (user: string, text = "Hello"): MessageRequest => ({ user, since_ms: 1, text });
const ids = ["2", "3", "4"].map((digit) => digit.repeat(32));

/** A server that answers pages of two of what `waits`. */
function started(waits: { now: MessageRequest[] }) {
  const asked: (string | null)[] = [];
  const call = async (_command: string, { after }: { after?: string }) => {
    asked.push(after ?? null);
    const all = waits.now.filter(({ user }) => !after || user > after);
    const users = { [BEN.id]: BEN };
    return { requests: all.slice(0, 2), users, more: all.length > 2, seq: 5 };
  };
  const store = new Store(ME);
  return { asked, store, requests: new MessageRequests(store, { call } as unknown as Socket) };
}

test("all that wait are read page by page, with who wrote them", async () => {
  const { asked, requests, store } = started({ now: ids.map((id) => request(id)) });
  assert.equal(requests.complete, false);
  const told = new Promise<void>((resolve) => store.topics.subscribe("requests", resolve));
  await requests.learn();
  assert.deepEqual(requests.listed.map(({ user }) => user), ids);
  assert.deepEqual(asked, [null, ids[1]]);
  assert.equal(store.users[BEN.id]?.display_name, BEN.display_name);
  assert.equal(requests.complete, true);
  await told;
});

test("what happens while they are read has them read again", async () => {
  const waits = { now: [request(ids[0]!)] };
  const { asked, requests } = started(waits);
  const first = requests.learn();
  waits.now = [request(ids[1]!)];
  await Promise.all([first, requests.learn(), requests.learn()]);
  assert.deepEqual(requests.listed, waits.now);
  assert.equal(asked.length, 2);
  waits.now = [];
  await requests.learn();
  assert.deepEqual(requests.listed, []);
});

test("what cannot be read stays as it was, and is read when it is next wanted", async () => {
  let fails = true;
  const call = async () => {
    if (fails) throw new Error("no connection");
    return { requests: [request(BEN.id)], users: {}, more: false, seq: 1 };
  };
  const requests = new MessageRequests(new Store(ME), { call } as unknown as Socket);
  await requests.learn();
  assert.equal(requests.complete, false);
  fails = false;
  await requests.learn();
  assert.deepEqual(requests.listed, [request(BEN.id)]);
});
