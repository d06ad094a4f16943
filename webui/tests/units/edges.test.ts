import assert from "node:assert/strict";
import { test } from "node:test";
import { nextStep } from "../../src/timeline/edges";
import type { Row } from "../../src/timeline/rows";

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ key: `m${from + index}` }) as Row);
const keys = (step: readonly Row[]) => step.map(({ key }) => key).join(" ");

/** All steps, each as its keys and whether it changes the top. */
function steps(drawn: readonly Row[], wanted: readonly Row[]): string[] {
  const done = [];
  for (let now = drawn; done.length < 5; ) {
    const { rows: next, shift } = nextStep(now, wanted);
    done.push(`${shift ? "top" : "end"}: ${keys(next)}`);
    if (next === wanted) return done;
    now = next;
  }
  throw new Error(done.join("; "));
}

test("a change at one end is one step", () => {
  assert.deepEqual(steps(rows(3, 5), rows(3, 7)), ["end: m3 m4 m5 m6"]);
  assert.deepEqual(steps(rows(3, 5), rows(1, 5)), ["top: m1 m2 m3 m4"]);
  assert.deepEqual(steps(rows(3, 5), rows(3, 5)), ["end: m3 m4"]);
});

test("what comes at both ends comes in two steps", () => {
  assert.deepEqual(steps(rows(3, 5), rows(1, 6)), ["top: m1 m2 m3 m4", "end: m1 m2 m3 m4 m5"]);
});

test("what goes at the top and comes at the end does so in two steps", () => {
  assert.deepEqual(steps(rows(1, 4), rows(2, 6)), ["top: m2 m3", "end: m2 m3 m4 m5"]);
});

test("a place that shares nothing with the last is drawn at once", () => {
  assert.deepEqual(steps(rows(1, 3), rows(8, 10)), ["end: m8 m9"]);
  assert.deepEqual(steps([], rows(1, 3)), ["end: m1 m2"]);
  assert.deepEqual(steps(rows(1, 3), []), ["end: "]);
});
