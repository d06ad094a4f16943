import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { NOON_MS, settled } from "./page";
import { Socket } from "../../src/net/socket";
import { NoAnswer } from "../../src/net/wire";

/** A connection whose other end is the test; what is sent into it may be answered or not. */
class Line {
  static all: Line[] = [];
  onopen: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (event: { code: number }) => void = () => undefined;
  sent: { id: number; method: string }[] = [];
  closed = false;
  answers = true;

  constructor() {
    Line.all.push(this);
  }

  send(frame: string): void {
    const asked = JSON.parse(frame) as { id: number; method: string };
    this.sent.push(asked);
    if (this.answers) this.hear({ id: asked.id, result: {} });
  }

  hear(said: object): void {
    this.onmessage({ data: JSON.stringify({ jsonrpc: "2.0", ...said }) });
  }

  close(): void {
    this.closed = true;
  }
}

const EVENT = { method: "event", params: {} };
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
Object.assign(globalThis, {
  WebSocket: Line,
  document: page,
  addEventListener: page.addEventListener.bind(page),
});

function connected(): { socket: Socket; line: Line; downs: () => number } {
  let downs = 0;
  const socket = new Socket("ws://here/ws", {
    onOpen: () => undefined,
    onDown: () => void downs++,
    onNotification: () => undefined,
    onRefused: () => undefined,
  });
  socket.start();
  const line = Line.all[Line.all.length - 1]!;
  line.onopen();
  return { socket, line, downs: () => downs };
}

/** Let the clock run as it does: timers are due one after another. */
function pass(seconds: number): void {
  for (let second = 0; second < seconds; second++) mock.timers.tick(1_000);
}

beforeEach(() => {
  Line.all = [];
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: NOON_MS });
});
afterEach(() => mock.timers.reset());

test("a connection that went silent is noticed within 45 seconds and replaced", async () => {
  const { line, downs } = connected();
  line.answers = false;
  pass(45);
  await settled();
  assert.deepEqual([downs(), line.closed], [1, true]);
  pass(1);
  assert.equal(Line.all.length, 2);
});

test("a connection that is doubted says whether it lives, to all who ask", async () => {
  const { socket, line, downs } = connected();
  assert.deepEqual(await Promise.all([socket.alive(), socket.alive()]), [true, true]);
  assert.equal(line.sent.length, 1);
  line.answers = false;
  const doubted = socket.alive();
  pass(8);
  assert.equal(await doubted, false);
  assert.equal(await socket.alive(), false);
  assert.equal(downs(), 1);
});

test("a quiet connection that answers stays, and is asked seldom", async () => {
  const { line, downs } = connected();
  for (let minute = 0; minute < 10; minute++) {
    pass(60);
    await settled();
  }
  assert.deepEqual([downs(), line.closed], [0, false]);
  assert(line.sent.length <= 24, `${line.sent.length} questions in ten minutes`);
});

test("a connection on which something is heard is not asked", () => {
  const { line } = connected();
  for (let time = 0; time < 10; time++) {
    pass(20);
    line.hear(EVENT);
  }
  assert.deepEqual(line.sent, []);
});

// Timers stand still while a machine sleeps.
for (const [words, jumpMs] of [["slept", 3_600_000], ["set its clock back", -3_600_000]] as const) {
  test(`after a machine has ${words} a dead connection is noticed within 15 seconds`, async () => {
    const { line, downs } = connected();
    line.answers = false;
    const { now } = Date;
    Date.now = () => now() + jumpMs;
    pass(15);
    await settled();
    assert.equal(downs(), 1);
  });
}

test("a slow answer costs no connection on which others are heard", async () => {
  const { socket, line, downs } = connected();
  line.answers = false;
  const asked = socket.call("slow.command", {}, 10_000).catch((error: unknown) => error);
  line.answers = true;
  pass(10);
  assert((await asked) instanceof NoAnswer);
  pass(30);
  await settled();
  assert.equal(downs(), 0);
});

test("what is heard while it is asked for a sign of life is one", async () => {
  const { line, downs } = connected();
  line.answers = false;
  pass(30);
  assert.deepEqual(line.sent.map(({ method }) => method), ["account.get"]);
  line.hear(EVENT);
  pass(20);
  await settled();
  assert.equal(downs(), 0);
});

test("a question that was lost with its connection does not cost the next", async () => {
  const { line, downs } = connected();
  line.answers = false;
  pass(30);
  line.onclose({ code: 1006 });
  pass(1);
  const next = Line.all[1]!;
  next.onopen();
  pass(40);
  await settled();
  assert.deepEqual([downs(), next.closed, Line.all.length], [1, false, 2]);
});
