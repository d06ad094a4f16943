import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import "./page";
import { Times } from "../../src/i18n/time";
import { Today } from "../../src/i18n/today";

const zone = process.env["TZ"];
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => {
  mock.timers.reset();
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

/** A reader's clock that moves with the timers, from a moment in UTC. */
function reader(inZone: string, from: string) {
  process.env["TZ"] = inZone;
  let nowMs = Date.parse(from);
  const told: string[] = [];
  const today = new Today(() => told.push(new Date(nowMs).toISOString()), () => nowMs);
  today.start();
  const pass = (ms: number) => {
    for (const end = nowMs + ms; nowMs < end; ) {
      nowMs += 1_000;
      mock.timers.tick(1_000);
    }
  };
  return { today, told, pass, setMs: (ms: number) => (nowMs = ms), now: () => nowMs };
}

// Summer time begins at midnight in Havana, which has no 00:00 that day, and changes the length of a day in Berlin.
for (const [inZone, from, midnight] of [
  ["UTC", "2026-05-20T23:58:30Z", "2026-05-21T00:00:00.000Z"],
  ["Asia/Kathmandu", "2026-05-20T18:13:30Z", "2026-05-20T18:15:00.000Z"],
  ["Pacific/Apia", "2026-12-31T10:58:30Z", "2026-12-31T11:00:00.000Z"],
  ["Europe/Berlin", "2026-03-28T22:58:30Z", "2026-03-28T23:00:00.000Z"],
  ["Europe/Berlin", "2026-03-29T21:58:30Z", "2026-03-29T22:00:00.000Z"],
  ["Europe/Berlin", "2026-10-25T22:58:30Z", "2026-10-25T23:00:00.000Z"],
  ["America/Havana", "2026-03-08T04:58:30Z", "2026-03-08T05:00:00.000Z"],
] as const) {
  test(`the day is another at midnight in ${inZone} after ${from}`, () => {
    const { told, pass } = reader(inZone, from);
    pass(89_000);
    assert.deepEqual(told, []);
    pass(1_000);
    assert.deepEqual(told, [midnight]);
    pass(180_000);
    assert.deepEqual(told, [midnight]);
  });
}

test("what was today is yesterday, and the list says the weekday", () => {
  const { pass, now } = reader("Europe/Berlin", "2026-10-24T21:58:30Z");
  const times = new Times("en");
  const sent = now();
  const words = () => [times.day(sent, "Today", "Yesterday", now()), times.brief(sent, now())];
  assert.deepEqual(words(), ["Today", "23:58"]);
  pass(90_000);
  assert.deepEqual(words(), ["Yesterday", "Sat"]);
  // The day has 25 hours.
  pass(24 * 3_600_000);
  assert.equal(words()[0], "Yesterday");
  pass(3_600_000);
  assert.notEqual(words()[0], "Yesterday");
});

test("a machine that slept over midnight notices within a minute", () => {
  const { told, pass, setMs, now } = reader("UTC", "2026-05-20T20:00:00Z");
  setMs(now() + 10 * 3_600_000);
  assert.deepEqual(told, []);
  pass(60_000);
  assert.equal(told.length, 1);
});

test("another time zone is noticed on the same day", () => {
  const { today, told } = reader("Europe/Berlin", "2026-05-20T10:00:00Z");
  process.env["TZ"] = "Europe/London";
  today.look();
  today.look();
  assert.equal(told.length, 1);
});
