import assert from "node:assert/strict";
import { test } from "node:test";
import "./page";
import { Modules } from "../../src/state/modules";

const SONG = new File(["la"], "song.ogg", { type: "audio/ogg" });
const PLAYERS = { files: "/assets/files/players.1.js", other: "/assets/files/players.1.js" };

/** Modules that are all this one, and the addresses that were read. */
function modules(module: unknown): { modules: Modules; read: string[] } {
  const read: string[] = [];
  return {
    read,
    modules: new Modules(PLAYERS, async (address) => {
      read.push(address);
      if (module instanceof Error) throw module;
      return module;
    }),
  };
}

test("a script is loaded once, and only where there is one", async () => {
  const { modules: known, read } = modules({});
  assert.equal(await known.load("text"), null);
  await Promise.all([known.load("files"), known.load("other"), known.load("files")]);
  assert.deepEqual(read, [PLAYERS.files]);
});

test("one that could not be loaded is tried again", async () => {
  const { modules: known, read } = modules(new Error("no connection"));
  assert.equal(await known.load("files"), null);
  assert.deepEqual(await known.describe("files", SONG), { values: {}, blobs: {} });
  assert.equal(read.length, 2);
});

test("what it says of a file is told from what is to be uploaded", async () => {
  const poster = new Blob(["x"], { type: "image/jpeg" });
  const describe = async ({ size }: File) => ({ duration_ms: size, poster, width: undefined });
  const { modules: known } = modules({ describe });
  assert.deepEqual(await known.describe("files", SONG), { values: { duration_ms: 2 }, blobs: { poster } });
  assert.deepEqual(await known.describe("text", SONG), { values: {}, blobs: {} });
});

test("one that fails, or never ends, says nothing", async () => {
  const raising = modules({ describe: () => { throw new Error("no"); } });
  assert.deepEqual(await raising.modules.describe("files", SONG), { values: {}, blobs: {} });
  const endless = modules({ describe: () => new Promise(() => undefined) });
  assert.deepEqual(await endless.modules.describe("files", SONG, 1), { values: {}, blobs: {} });
});

test("what it draws of a message on its way is asked of a script that is there", async () => {
  const pictures = [{ src: "blob:1", width: 3, height: 2 }];
  const draw = (content: unknown, shown: unknown) => [content, shown] as unknown as Node[];
  const { modules: known } = modules({ draw });
  assert.equal(known.draw("files", {}, () => pictures), null);
  await known.load("files");
  assert.deepEqual(known.draw("files", { caption: "Dusk" }, () => pictures), [{ caption: "Dusk" }, pictures]);
  assert.equal(known.draw("text", {}, () => pictures), null);
});

test("a script that fails to draw draws nothing", async () => {
  const { modules: known } = modules({ draw: () => { throw new Error("no"); } });
  await known.load("files");
  assert.equal(known.draw("files", {}, () => []), null);
});
