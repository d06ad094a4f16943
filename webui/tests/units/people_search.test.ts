import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, ME, settled } from "./page";
import { PeopleSearch } from "../../src/state/people_search";

const CLEO = { id: "3".repeat(32), username: "cleo", display_name: "Cleo" };

interface Asked {
  command: string;
  params: Record<string, unknown>;
  answer(result: unknown): void;
  refuse(error: unknown): void;
}

/** A search without a pause, and what it has asked the server, answered by the test. */
function started() {
  const asked: Asked[] = [];
  const call = (command: string, params: unknown) =>
    new Promise<never>((resolve, reject) =>
      asked.push({ command, params: params as Record<string, unknown>, answer: resolve as (result: unknown) => void, refuse: reject }),
    );
  let changes = 0;
  const search = new PeopleSearch(call, () => changes++, 0);
  return { asked, search, changes: () => changes };
}

const names = (search: PeopleSearch) => search.found?.users.map(({ username }) => username);
const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

test("what is typed quickly is asked for once", async () => {
  const { asked, search } = started();
  for (const query of ["b", "be", " ben "]) search.type(query);
  await pause();
  assert.deepEqual(asked.map(({ params }) => params["query"]), ["ben"]);
  asked[0]!.answer({ users: [BEN], everybody: true });
  await settled();
  assert.deepEqual(names(search), ["ben"]);
  assert.equal(search.isAnswered, true);
});

test("an answer that was overtaken changes nothing", async () => {
  const { asked, search } = started();
  search.type("b");
  await pause();
  search.type("cl");
  await pause();
  asked[1]!.answer({ users: [CLEO], everybody: true });
  await settled();
  asked[0]!.answer({ users: [BEN], everybody: true });
  await settled();
  assert.deepEqual(names(search), ["cleo"]);
});

test("an answer to what is no longer typed is not taken for one to what is", async () => {
  const { asked, search } = started();
  search.type("ben");
  await pause();
  asked[0]!.answer({ users: [BEN], everybody: true });
  await settled();
  search.type("bent");
  assert.deepEqual(names(search), ["ben"]);
  assert.equal(search.isAnswered, false);
  assert.equal(search.exact, undefined);
  search.type("");
  assert.equal(search.found, null);
});

test("who is called exactly so is found where only some are looked at", async () => {
  const { asked, search } = started();
  search.type("@Cleo");
  await pause();
  asked[0]!.answer({ users: [], everybody: false });
  await settled();
  assert.deepEqual([asked[1]!.command, asked[1]!.params], ["user.get", { users: ["Cleo"] }]);
  // Somebody else whose id was typed by chance.
  asked[1]!.answer({ users: [CLEO, ME] });
  await settled();
  assert.deepEqual(names(search), ["cleo"]);
  assert.equal(search.exact?.id, CLEO.id);
});

test("nobody is asked for by name where all are looked at, or what is typed is no user name", async () => {
  for (const [query, everybody] of [["cleo", true], ["c", false], ["cleo b", false]] as const) {
    const { asked, search } = started();
    search.type(query);
    await pause();
    asked[0]!.answer({ users: [], everybody });
    await settled();
    assert.deepEqual(asked.map(({ command }) => command), ["user.search"]);
    assert.deepEqual(names(search), []);
  }
});

test("what fails is said until something else is typed", async () => {
  const { asked, search } = started();
  search.type("ben");
  await pause();
  asked[0]!.refuse("no connection");
  await settled();
  assert.equal(search.failed, "no connection");
  void search.ask();
  asked[1]!.answer({ users: [BEN], everybody: true });
  await settled();
  assert.equal(search.failed, null);
  assert.deepEqual(names(search), ["ben"]);
});

test("what comes after it was closed is dropped", async () => {
  const { asked, search, changes } = started();
  search.type("ben");
  await pause();
  search.stop();
  const before = changes();
  asked[0]!.answer({ users: [BEN], everybody: true });
  await settled();
  assert.equal(changes(), before);
});
