import assert from "node:assert/strict";
import { test } from "node:test";
import { ME, settled } from "./page";
import type { Upload } from "../../src/net/upload";
import { UnsentFiles } from "../../src/state/files";
import { Topics } from "../../src/state/topics";

const page = new EventTarget();
Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
const lake = { "unsent:1": new File(["lake"], "lake.jpg") };

/** Whether the page asks before it is left. */
function asks(): boolean {
  return !page.dispatchEvent(new Event("beforeunload", { cancelable: true }));
}

test("where the browser keeps no files, the page says so and asks before it is left", async () => {
  const files = new UnsentFiles(ME.id, new Topics(), async () => null);
  assert(!asks());
  void files.put("k1", lake);
  await settled();
  assert(files.isUnkept("k1"));
  assert.equal(files.of("k1"), lake);
  assert(asks());
  files.remove("k1");
  assert(!asks());
  assert.equal(files.of("k1"), undefined);
});

test("what no earlier page kept is not there", async () => {
  const files = new UnsentFiles(ME.id, new Topics(), async () => null);
  assert.equal(await files.recall("k1"), false);
});

test("an upload that was begun elsewhere goes on, and is sent no second time", async () => {
  const files = new UnsentFiles(ME.id, new Topics(), async () => null);
  const begun = { file: lake["unsent:1"], state: "uploading", lost: false, progress: 0.5, blob: null, failure: null } as unknown as Upload;
  void files.put("k1", lake, { "unsent:1": begun });
  const uploaded = files.upload("k1", ["unsent:1"]);
  assert.equal(files.progress("k1"), 0.5);
  Object.assign(begun, { state: "done", blob: { id: "b1" } });
  begun.changed();
  assert.deepEqual(await uploaded, [{ name: "unsent:1", blob: "b1", failure: null }]);
});
