import { storage } from "./page";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type Group, groups, named, setTone, suggest, tone, tones, use } from "../../src/state/emoji";

const ANN = "ann";
beforeEach(() => storage.clear());

const texts = (shown: readonly Group[]) => shown.flatMap(({ items }) => items.map(({ text }) => text));
const found = (query: string, language = "en") => texts(groups(ANN, language, query));

test("all emoji are there once, in seven groups with names in the reader's language", () => {
  const english = groups(ANN, "en", "");
  assert.equal(english.length, 7);
  assert.equal(new Set(texts(english)).size, texts(english).length);
  assert.equal(texts(english).length, 1_914);
  assert.deepEqual(english[0]!.items[0], { id: "😀", label: "grinning face", text: "😀" });
  const russian = groups(ANN, "ru", "");
  assert.equal(russian[0]!.label, "Смайлики и люди");
  assert.equal(russian[0]!.items[0]!.label, "широко улыбается");
  assert.deepEqual(texts(russian), texts(english));
});

test("every emoji has a name and words in both languages", () => {
  for (const language of ["en", "ru"]) {
    for (const { items } of groups(ANN, language, "")) assert.deepEqual(items.filter(({ label }) => !label), []);
  }
});

test("what is found fits every word, in either language, what is called so first", () => {
  for (const language of ["en", "ru"]) {
    assert.equal(found("hedgehog", language)[0], "🦔");
    assert.equal(found("ёж", language)[0], "🦔");
    assert.equal(found("еж", language)[0], "🦔");
    assert.equal(found("Red HEART", language)[0], "❤️");
    assert.equal(found("божья КОРОВКА", language)[0], "🐞");
  }
  assert.equal(found("red heart").includes("💙"), false);
  // It is also what others are about.
  assert.equal(found("cat")[0], "🐱");
  assert.deepEqual(found("qqqq"), []);
  assert.deepEqual(found("🦔"), ["🦔"]);
});

test("a query of signs alone finds nothing and breaks nothing", () => {
  for (const query of ["(", "*", "\\", "[-", "\t", "$&"]) assert.deepEqual(found(query), query.trim() ? [] : texts(groups(ANN, "en", "")));
});

test("what was used lately stands first, the last before the others, sixteen at most", () => {
  assert.equal(groups(ANN, "en", "")[0]!.label, "Smileys and people");
  for (const id of ["😀", "🦔", "🌷", "🦔"]) use(ANN, id);
  const [lately] = groups(ANN, "en", "");
  assert.equal(lately!.label, "Used lately");
  assert.deepEqual(texts([lately!]), ["🦔", "🌷", "😀"]);
  for (const id of texts(groups(ANN, "en", "animal")).slice(0, 20)) use(ANN, id);
  assert.equal(groups(ANN, "en", "")[0]!.items.length, 16);
  assert.equal(groups("ben", "en", "")[0]!.label, "Smileys and people");
});

test("what another version has kept breaks nothing", () => {
  storage.setItem("dm:emoji:ann:recent", "x 🦔 <b>");
  storage.setItem("dm:emoji:ann:tone", "17");
  assert.deepEqual(texts([groups(ANN, "en", "")[0]!]), ["🦔"]);
  assert.equal(tone(ANN), 0);
});

test("the skin tone is that of everybody in an emoji, and of nothing else", () => {
  setTone(ANN, 3);
  assert.equal(tone(ANN), 3);
  assert.equal(named(ANN, "wave")!.text, "👋🏽");
  assert.equal(named(ANN, "woman_technologist")!.text, "👩🏽‍💻");
  assert.equal(named(ANN, "handshake")!.text, "🤝🏽");
  assert.equal(named(ANN, "detective")!.text, "🕵🏽");
  assert.equal(named(ANN, "tada")!.text, "🎉");
  // It is kept without, so that it follows the choice.
  assert.equal(named(ANN, "wave")!.id, "👋");
  assert.equal(tones("en").length, 6);
  assert.equal(tones("ru")[3]!.label, "Кожа среднего тона");
});

test("names are those that other messengers have, and the Russian ones", () => {
  const known = { smile: "😄", "+1": "👍", thumbsup: "👍", heart: "❤️", dog: "🐶", sunglasses: "😎", SMILE: "😄", еж: "🦔", ёж: "🦔" };
  for (const [name, text] of Object.entries(known)) assert.deepEqual([name, named(ANN, name)?.text], [name, text]);
  assert.equal(named(ANN, "no_such_name"), null);
  assert.equal(named(ANN, "constructor"), null);
});

test("a name that is begun is suggested by its own beginning, what was used lately before its equals", () => {
  assert.deepEqual(suggest(ANN, "en", "hedge"), [{ id: "🦔", text: "🦔", name: "hedgehog" }]);
  assert.equal(suggest(ANN, "ru", "ёж")[0]!.name, "еж");
  assert.equal(suggest(ANN, "en", "smile").length, 6);
  assert.equal(suggest(ANN, "en", "smile")[0]!.text, "😄");
  const before = suggest(ANN, "en", "hear").map(({ text }) => text);
  use(ANN, before[3]!);
  assert.deepEqual(suggest(ANN, "en", "hear").map(({ text }) => text), [before[3], before[0], before[1], before[2], before[4], before[5]]);
  // It has no such name, only such a word.
  use(ANN, "😁");
  assert.deepEqual(suggest(ANN, "en", "smi").slice(0, 2).map(({ name }) => name), ["smiley", "smile"]);
  assert.deepEqual(suggest(ANN, "en", "qqqq"), []);
});

test("no emoji has a sign too many: the server spells reactions so", () => {
  assert.deepEqual(texts(groups(ANN, "en", "")).filter((text) => /\p{Emoji_Presentation}\uFE0F/u.test(text)), []);
});
