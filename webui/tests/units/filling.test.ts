import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, ME, NOON_MS } from "./page";
import { Texts } from "../../src/i18n/texts";
import { Times } from "../../src/i18n/time";
import { Store } from "../../src/state/store";
import { wordsFor } from "../../src/timeline/filling";

function parts() {
  const asked: string[] = [];
  const all = { store: new Store(ME), directory: { learn: (id: string) => void asked.push(id) }, texts: new Texts("en", {}), times: new Times("en") };
  return { ...all, asked };
}

test("a person who is known is called by the name they have now", () => {
  const all = parts();
  all.store.learnUsers({ [BEN.id]: BEN });
  assert.equal(wordsFor({ person: BEN.id }, all), "Ben");
  all.store.learnUsers({ [BEN.id]: { ...BEN, display_name: "Benjamin" } });
  assert.equal(wordsFor({ person: BEN.id }, all), "Benjamin");
  assert.deepEqual(all.asked, []);
});

test("a person who is not known is asked for and somebody until then", () => {
  const all = parts();
  assert.equal(wordsFor({ person: BEN.id }, all), all.texts.t("somebody"));
  assert.deepEqual(all.asked, [BEN.id]);
});

test("a moment is a time, a day or both, and nothing where it is no number", () => {
  const all = parts();
  const said = (show?: string) => wordsFor({ moment: String(NOON_MS), ...(show && { show }) }, all);
  assert.equal(said("time"), "12:00");
  assert.equal(said("day"), all.times.moment(NOON_MS, "day"));
  assert.equal(said(), `${said("day")}, 12:00`);
  assert(said("day").startsWith("20 May"), said("day"));
  assert.equal(wordsFor({ moment: "soon" }, all), "");
});
