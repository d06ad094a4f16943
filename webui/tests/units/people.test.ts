import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN } from "./page";
import { ENGLISH, Texts } from "../../src/i18n/texts";
import { nameOf } from "../../src/state/people";

const texts = new Texts("en", ENGLISH);
const named = (id: string, display_name: string) => [id, { ...BEN, id, username: `user${id}`, display_name }] as const;

test("a name that looks like another's has the user name beside it", () => {
  const users = Object.fromEntries([named("1", "Ben"), named("2", "Веn"), named("3", "Cleo")]);
  assert.equal(nameOf("1", users, texts), "\u2068Ben\u2069 @user1");
  assert.equal(nameOf("2", users, texts), "\u2068Веn\u2069 @user2");
  assert.equal(nameOf("3", users, texts), "Cleo");
  assert.equal(nameOf("4", users, texts), texts.t("somebody"));
});
