import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { BEN, ME, storage } from "./page";
import type { Socket } from "../../src/net/socket";
import { Blocks } from "../../src/state/blocks";
import { Store } from "../../src/state/store";

const CLEO = "0".repeat(31) + "3";

/** A server that has these people blocked as of `seq`, two a page; `between` runs after the first page. */
function started(blocked: readonly string[], seq = 5, between: () => void = () => undefined) {
  const asked: string[] = [];
  const call = async (command: string, { after }: { after?: string }) => {
    asked.push(`${command}${after ? " after" : ""}`);
    if (command !== "user.blocked") return { user: BEN, since_ms: command === "user.block" ? 9 : null };
    const all = blocked.filter((one) => !after || one > after);
    if (asked.length === 1) between();
    return { blocked: all.slice(0, 2).map((one, at) => ({ user: one, since_ms: at })), users: {}, more: all.length > 2, seq };
  };
  return { asked, blocks: new Blocks(new Store(ME), { call } as unknown as Socket) };
}

beforeEach(() => storage.clear());

test("they are read page by page and once", async () => {
  const { asked, blocks } = started([BEN.id, CLEO, "f".repeat(32)]);
  await Promise.all([blocks.learn(), blocks.learn()]);
  await blocks.learn();
  assert.deepEqual(asked, ["user.blocked", "user.blocked after"]);
  assert.deepEqual([BEN.id, CLEO, ME.id].map((one) => blocks.has(one)), [true, true, false]);
  assert.equal(blocks.listed()[0], CLEO);
  assert.equal(blocks.listed(), blocks.listed());
});

test("an event counts against what was read before it, not against what was read after", async () => {
  const newer = started([BEN.id], 5, () => newer.blocks.hear(BEN.id, null, 6));
  await newer.blocks.learn();
  assert.equal(newer.blocks.has(BEN.id), false);
  const older = started([BEN.id], 5, () => older.blocks.hear(BEN.id, null, 4));
  await older.blocks.learn();
  assert.equal(older.blocks.has(BEN.id), true);
  older.blocks.hear(BEN.id, null, 3);
  assert.equal(older.blocks.has(BEN.id), true);
  // Who was blocked while the list was read.
  const other = started([], 5, () => other.blocks.hear(CLEO, 1, 6));
  await other.blocks.learn();
  assert.deepEqual(other.blocks.listed(), [CLEO]);
});

test("the next page knows them before it has asked, and forgets whom the server does not name", async () => {
  const first = started([BEN.id]);
  await first.blocks.learn();
  const { blocks } = started([]);
  assert.equal(blocks.has(BEN.id), true);
  assert.equal(blocks.complete, false);
  await blocks.learn();
  assert.equal(blocks.has(BEN.id), false);
  storage.setItem(`dm:blocked:${ME.id}:`, "{");
  assert.equal(started([]).blocks.has(BEN.id), false);
});

test("to block and to unblock counts at once", async () => {
  const { blocks } = started([]);
  await blocks.learn();
  await blocks.ask("block", BEN.id);
  assert.equal(blocks.has(BEN.id), true);
  await blocks.ask("unblock", BEN.id);
  assert.deepEqual([...blocks.listed()], []);
});

test("what could not be read is asked for again, as is what the log no longer reaches back to", async () => {
  let fails = true;
  let asked = 0;
  const call = async () => {
    asked++;
    if (fails) throw new Error("no connection");
    return { blocked: [{ user: BEN.id, since_ms: 1 }], users: {}, more: false, seq: 1 };
  };
  const blocks = new Blocks(new Store(ME), { call } as unknown as Socket);
  await blocks.learn();
  assert.deepEqual([!!blocks.failed, blocks.complete], [true, false]);
  fails = false;
  await blocks.learn();
  assert.deepEqual([blocks.failed, blocks.has(BEN.id)], [null, true]);
  blocks.forget();
  // Until it is known better they are still blocked.
  assert.equal(blocks.has(BEN.id), true);
  await blocks.learn();
  assert.equal(asked, 3);
});
