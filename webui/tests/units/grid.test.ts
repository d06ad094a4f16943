import assert from "node:assert/strict";
import { test } from "node:test";
import { stepIn } from "../../src/parts/grid";

// Two rows of four and one of two; then one row of three.
const COUNTS = [10, 3];
const from = (group: number, at: number, key: string) => stepIn(COUNTS, 4, [group, at], `Arrow${key}`);

test("arrows lead to what stands there", () => {
  assert.deepEqual(from(0, 1, "Right"), [0, 2]);
  assert.deepEqual(from(0, 1, "Left"), [0, 0]);
  assert.deepEqual(from(0, 1, "Down"), [0, 5]);
  assert.deepEqual(from(0, 5, "Up"), [0, 1]);
});

test("below a row there is the shorter last one, then the next group in the same column", () => {
  assert.deepEqual(from(0, 7, "Down"), [0, 9]);
  assert.deepEqual(from(0, 9, "Down"), [1, 1]);
  assert.deepEqual(stepIn([4, 2], 4, [0, 3], "ArrowDown"), [1, 1]);
  assert.deepEqual(from(1, 2, "Up"), [0, 9]);
  assert.deepEqual(from(1, 0, "Up"), [0, 8]);
});

test("from the end of a group one comes to the next and back", () => {
  assert.deepEqual(from(0, 9, "Right"), [1, 0]);
  assert.deepEqual(from(1, 0, "Left"), [0, 9]);
});

test("beyond the edges, and by other keys, nothing is led to", () => {
  assert.equal(from(0, 0, "Left"), null);
  assert.equal(from(0, 2, "Up"), null);
  assert.equal(from(1, 2, "Right"), null);
  assert.equal(from(1, 0, "Down"), null);
  assert.equal(stepIn(COUNTS, 4, [0, 0], "a"), null);
});
