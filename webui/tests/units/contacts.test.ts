import assert from "node:assert/strict";
import { test } from "node:test";
import { BEN, ME } from "./page";
import type { Socket } from "../../src/net/socket";
import type { Contact } from "../../src/net/wire";
import { Contacts } from "../../src/state/contacts";
import { Store } from "../../src/state/store";

type Lists = Partial<Record<Contact["state"], Contact[]>>;
const contact = (state: Contact["state"], user = BEN.id): Contact => ({ user, state, since_ms: 1 });

/** A server that answers lists as of `seq`; `between` runs after the first one. */
function started(lists: Lists, seq = 5, between: () => void = () => undefined) {
  const asked: string[] = [];
  const call = async (command: string, { state, after }: { state: Contact["state"]; after?: string }) => {
    asked.push(`${command} ${state}${after ? " after" : ""}`);
    const all = (lists[state] ?? []).filter(({ user }) => !after || user > after);
    if (asked.length === 2) between();
    return { contacts: all.slice(0, 2), users: {}, more: all.length > 2, seq };
  };
  return { asked, contacts: new Contacts(new Store(ME), { call } as unknown as Socket) };
}

test("nothing is known before it is read, then everybody is, page by page and once", async () => {
  const three = ["2", "3", "4"].map((digit) => contact("contact", digit.repeat(32)));
  const { asked, contacts } = started({ contact: three, received: [contact("received")] });
  assert.equal(contacts.of(BEN.id), undefined);
  await Promise.all([contacts.learn(), contacts.learn()]);
  await contacts.learn();
  assert.deepEqual(asked, ["contact.list contact", "contact.list contact after", "contact.list sent", "contact.list received"]);
  assert.equal(contacts.of(three[2]!.user)?.state, "contact");
  assert.equal(contacts.of(BEN.id)?.state, "received");
  assert.equal(contacts.of("f".repeat(32)), null);
});

test("an event that is newer than a list counts, whichever comes first", async () => {
  const { contacts } = started({ contact: [contact("contact")], received: [contact("received")] }, 5, () => contacts.hear(BEN.id, null, 6));
  await contacts.learn();
  assert.equal(contacts.of(BEN.id), null);
  contacts.hear(BEN.id, contact("sent"), 7);
  assert.equal(contacts.of(BEN.id)?.state, "sent");
});

test("an event that is older than what was read changes nothing", async () => {
  const { contacts } = started({ contact: [contact("contact")] });
  await contacts.learn();
  contacts.hear(BEN.id, contact("sent"), 4);
  assert.equal(contacts.of(BEN.id)?.state, "contact");
});

test("what cannot be read is asked for again when it is next wanted", async () => {
  let fails = true;
  const call = async () => {
    if (fails) throw new Error("no connection");
    return { contacts: [], users: {}, more: false, seq: 1 };
  };
  const contacts = new Contacts(new Store(ME), { call } as unknown as Socket);
  await contacts.learn();
  assert.equal(contacts.of(BEN.id), undefined);
  fails = false;
  await contacts.learn();
  assert.equal(contacts.of(BEN.id), null);
});

test("who asks can be read alone, and the others later", async () => {
  const { asked, contacts } = started({ contact: [contact("contact", ME.id)], received: [contact("received")] });
  await contacts.learn(["received"]);
  assert.deepEqual(asked, ["contact.list received"]);
  assert.deepEqual(contacts.listed("received").map(({ user }) => user), [BEN.id]);
  assert.deepEqual(contacts.listed("contact"), []);
  assert.equal(contacts.of(ME.id), undefined);
  await contacts.learn();
  assert.deepEqual(asked.slice(1), ["contact.list contact", "contact.list sent"]);
  assert.equal(contacts.complete, true);
});

test("a list of one state follows the events, and is the same while nothing changes", () => {
  const { contacts } = started({});
  contacts.hear(BEN.id, contact("received"), 5);
  const before = contacts.listed("received");
  assert.equal(contacts.listed("received"), before);
  contacts.hear(BEN.id, contact("contact"), 6);
  assert.deepEqual(contacts.listed("received"), []);
  assert.deepEqual(contacts.listed("contact").map(({ user }) => user), [BEN.id]);
});

test("why they could not be read is kept until they are", async () => {
  let fails = true;
  const call = async () => {
    if (fails) throw new Error("no connection");
    return { contacts: [], users: {}, more: false, seq: 1 };
  };
  const contacts = new Contacts(new Store(ME), { call } as unknown as Socket);
  await contacts.learn();
  assert.equal(String(contacts.failed), "Error: no connection");
  fails = false;
  await contacts.learn();
  assert.equal(contacts.failed, null);
});

test("what was being read when the log was lost counts for nothing", async () => {
  const { asked, contacts } = started({ contact: [contact("contact")] }, 5, () => contacts.forget());
  await contacts.learn();
  assert.equal(contacts.of(BEN.id), undefined);
  assert.equal(contacts.complete, false);
  await contacts.learn();
  assert.deepEqual(asked.slice(2), ["contact.list contact", "contact.list sent", "contact.list received"]);
  assert.equal(contacts.of(BEN.id)?.state, "contact");
});

test("what belongs to a log that is gone is forgotten", async () => {
  const { contacts } = started({ contact: [contact("contact")] });
  await contacts.learn();
  contacts.forget();
  assert.equal(contacts.of(BEN.id), undefined);
});
