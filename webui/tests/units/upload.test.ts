import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import "./page";
import { Lane, progressOf, Upload } from "../../src/net/upload";

/** A request that the test answers. */
class Request {
  static all: Request[] = [];
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  onload: () => void = () => undefined;
  onerror: () => void = () => undefined;
  status = 0;
  responseText = "";

  constructor() {
    Request.all.push(this);
  }

  open(): void {}
  send(): void {}
  abort(): void {}

  answer(status: number, text: string): void {
    this.status = status;
    this.responseText = text;
    this.onload();
  }
}

Object.assign(globalThis, {
  XMLHttpRequest: Request,
  FormData: class {
    append(): void {}
  },
});

function begun(): Upload {
  return new Upload({ name: "a.jpg" } as File, new Lane(), () => undefined);
}

function refusal(key: string): string {
  return JSON.stringify({ error: { key, message: key, params: {} } });
}

beforeEach(() => {
  Request.all = [];
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

for (const [status, key] of [[503, "disk_low"], [503, "storage_failed"], [500, "internal_error"], [422, "refused"]] as const) {
  test(`${key} is told at once and can be tried again`, () => {
    const upload = begun();
    Request.all[0]!.answer(status, refusal(key));
    assert.equal(upload.state, "failed");
    assert.equal(upload.failure?.key, key);
    mock.timers.tick(60_000);
    assert.equal(Request.all.length, 1);
    upload.retry();
    Request.all[1]!.answer(201, JSON.stringify({ id: "1" }));
    assert.equal(upload.state, "done");
  });
}

test("what a proxy finds too large is too large", () => {
  const upload = begun();
  Request.all[0]!.answer(413, "<html><h1>413 Request Entity Too Large</h1></html>");
  assert.deepEqual([upload.state, upload.failure?.key], ["failed", "too_large"]);
});

for (const [what, status, text] of [
  ["a busy server", 503, refusal("busy")],
  ["a proxy without a server", 502, "<html></html>"],
] as const) {
  test(`${what} is asked again in a moment, and told in the end`, () => {
    const upload = begun();
    for (let tries = 0; tries < 4; tries++) {
      assert.equal(upload.state, "uploading");
      Request.all[tries]!.answer(status, text);
      mock.timers.tick(8_000);
    }
    assert.equal(upload.state, "failed");
    assert.equal(upload.lost, false);
  });
}

test("progress is that of the bytes, not of the files", () => {
  const of = (size: number, progress: number) => Object.assign(new Upload({ name: "a", size } as File, new Lane(), () => undefined), { progress });
  assert.equal(progressOf([of(1_000, 1), of(9_000, 0)]), 0.1);
  assert.equal(progressOf([of(0, 1), of(0, 0)]), 0.5);
  assert.equal(progressOf([]), 0);
});
