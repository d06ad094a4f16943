import assert from "node:assert/strict";
import { test } from "node:test";
import { PEOPLE } from "../../src/i18n/people_texts";
import { ENGLISH, Texts } from "../../src/i18n/texts";
import { NoAnswer, Refusal } from "../../src/net/wire";

const RUSSIAN = { members: { one: "{n} участник", few: "{n} участника", many: "{n} участников", other: "{n} участника" } };

test("English has one form for one and one for the others", () => {
  const texts = new Texts("en", {});
  const { one, other } = ENGLISH.members;
  assert.equal(texts.t("members", { n: 1 }), one.replace("{n}", "1"));
  for (const n of [0, 2, 21]) assert.equal(texts.t("members", { n }), other.replace("{n}", String(n)));
});

test("Russian has forms for one, a few and many", () => {
  const texts = new Texts("ru", RUSSIAN);
  const said = (n: number) => texts.t("members", { n });
  assert.deepEqual([1, 21, 2, 24, 5, 11, 100].map(said), [
    "1 участник", "21 участник", "2 участника", "24 участника", "5 участников", "11 участников", "100 участников",
  ]);
});

test("a form that a language lacks is its other one", () => {
  assert.equal(new Texts("ru", { members: { other: "{n} чел." } }).t("members", { n: 3 }), "3 чел.");
});

test("what is not translated is English, and what is not given stays", () => {
  const texts = new Texts("ru", { chats: "Чаты" });
  assert.equal(texts.t("chats"), "Чаты");
  assert.equal(texts.t("retry"), ENGLISH.retry);
  assert.equal(texts.t("too_long"), new Texts("en", {}).t("too_long", { n: "{n}" }));
});

test("what is loaded later has its words from then on, in the reader's language where it has them", () => {
  const texts = new Texts("ru", { people_add: "Добавить" });
  assert.equal(texts.t("people_none"), "people_none");
  texts.learn(PEOPLE);
  assert.equal(texts.t("people_none"), PEOPLE.people_none);
  assert.equal(texts.t("people_add"), "Добавить");
});

test("a failure is told by its rule, its key or the plugin's own sentence", () => {
  const texts = new Texts("en", { "refused No room.": "Kein Platz.", error_odd: "Odd.", error_rule_of_it: "By its rule." });
  assert.equal(texts.failure("odd", {}), "Odd.");
  assert.equal(texts.failure("odd", { rule: "rule_of_it" }), "By its rule.");
  assert.equal(texts.failure("odd", { reason: "No room." }), "Kein Platz.");
  assert.equal(texts.failure("unheard_of", {}), undefined);
});

test("a reason is the sentence we have, else the server's", () => {
  const texts = new Texts("en", {});
  assert.equal(texts.reason(new Refusal(1, "unheard_of", "The server's words.", false, {})), "The server's words.");
  assert.equal(texts.reason(new Refusal(1, "too_large", "The server's words.", false, {})), ENGLISH.error_too_large);
  assert.equal(texts.reason(new NoAnswer()), ENGLISH.no_answer);
});
