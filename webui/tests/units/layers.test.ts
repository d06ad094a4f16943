import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import "./page";
import { Layers } from "../../src/state/layers";

/** A browser's history; going takes a moment, as it does there. */
class Past {
  private listener: () => void = () => undefined;
  entries: { state: any; address: string }[] = [];
  at = 0;

  get state(): any {
    return this.entries[this.at]!.state;
  }

  pushState(state: unknown, _title: string, address: string): void {
    this.entries.splice(++this.at, Infinity, { state, address });
  }

  go(by: number): void {
    setTimeout(() => {
      this.at = Math.max(0, this.at + by);
      this.listener();
    }, 5);
  }

  /** The user's Back, done. */
  back(by = 1): void {
    this.go(-by);
    rest();
  }

  install(): void {
    const past = this;
    const addEventListener = (_name: string, listener: () => void) => (this.listener = listener);
    const location = { get href() { return past.entries[past.at]!.address; } };
    Object.assign(globalThis, { history: this, location, addEventListener });
  }
}

/** Let what waits for a moment go on, and what that begins. */
const rest = () => [1, 2, 3, 4].forEach(() => mock.timers.tick(20));

let past: Past;
let layers: Layers;

/** Opens something, which Back closes; `stays` is how often it asks instead. */
function opened({ stays = 0 } = {}): { closed: number; asked: number; close(): void } {
  const one = { closed: 0, asked: 0, close: () => undefined as void };
  one.close = layers.add(() => {
    if (one.asked < stays) return ++one.asked > 0;
    one.closed++;
  });
  return one;
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  past = new Past();
  past.entries = [{ state: { dm: true }, address: "/" }, { state: { dm: true, fromList: true }, address: "/c/a" }];
  past.at = 1;
  past.install();
  layers = new Layers();
  layers.start();
  rest();
});
afterEach(() => mock.timers.reset());

test("Back closes the top-most, one at a time", () => {
  const [panel, menu] = [opened(), opened()];
  past.back();
  assert.deepEqual([panel.closed, menu.closed], [0, 1]);
  past.back();
  assert.deepEqual([panel.closed, menu.closed, past.at], [1, 1, 1]);
  past.back();
  assert.equal(past.at, 0);
});

test("what closes otherwise takes its entry along", () => {
  const viewer = opened();
  assert.equal(past.at, 2);
  viewer.close();
  viewer.close();
  rest();
  assert.deepEqual([viewer.closed, past.at], [0, 1]);
});

test("what opens in place of another takes over its entry", () => {
  opened().close();
  const form = opened();
  rest();
  assert.equal(past.at, 2);
  past.back();
  assert.deepEqual([form.closed, past.at], [1, 1]);
});

test("what opens while an entry is being taken back has its own", () => {
  opened().close();
  mock.timers.tick(2);
  const form = opened();
  rest();
  assert.equal(past.at, 2);
  past.back();
  assert.deepEqual([form.closed, past.at], [1, 1]);
});

test("what asks first stays, and so does its entry", () => {
  const form = opened({ stays: 1 });
  past.back();
  assert.deepEqual([form.asked, form.closed, past.at], [1, 0, 2]);
  past.back();
  assert.deepEqual([form.closed, past.at], [1, 1]);
});

test("what asks first keeps the page under it, however far somebody went back", () => {
  const form = opened({ stays: 1 });
  past.back(2);
  assert.equal(form.asked, 1);
  assert.equal(past.entries[past.at]!.address, "/c/a");
  form.close();
  rest();
  assert.deepEqual([past.state.layer, past.state.fromList], [0, true]);
});

test("another page is opened on no layer's entry", () => {
  const dialog = opened();
  layers.below(() => past.pushState({ dm: true }, "", "/c/b"));
  dialog.close();
  rest();
  assert.deepEqual(past.entries.map(({ address }) => address), ["/", "/c/a", "/c/b"]);
  layers.below(() => past.pushState({ dm: true }, "", "/c/c"));
  assert.equal(past.at, 3);
});

test("what is still open over another page lies over that", () => {
  const panel = opened();
  layers.below(() => past.pushState({ dm: true }, "", "/c/b"));
  rest();
  assert.deepEqual([past.entries[past.at]!.address, past.state.layer], ["/c/b", 1]);
  past.back();
  assert.deepEqual([panel.closed, past.entries[past.at]!.address], [1, "/c/b"]);
});

test("after a reload, and forward, no entry is left of what is closed", () => {
  opened();
  layers = new Layers();
  layers.start();
  rest();
  assert.equal(past.at, 1);
  past.go(1);
  rest();
  assert.equal(past.at, 1);
});
