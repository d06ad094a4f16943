// How people and conversations are named and pictured, the same everywhere.

import type { Contact, Conversation, User } from "../net/wire";
import type { Texts } from "../i18n/texts";

export function titleOf(conversation: Conversation, users: Readonly<Record<string, User>>, texts: Texts): string {
  if (conversation.kind === "group") return conversation.title ?? "";
  if (conversation.kind === "saved") return texts.t("saved_messages");
  return (conversation.peer && users[conversation.peer]?.display_name) || texts.t("somebody");
}

/** What somebody is called where no user name stands beside it: with it, where another's name looks the same. */
export function nameOf(id: string | undefined, users: Readonly<Record<string, User>>, texts: Texts): string {
  const user = users[id ?? ""];
  if (!user) return texts.t("somebody");
  // Isolated: a name that runs to the left does not turn it round.
  return namedAlike(users).has(user.id) ? `\u2068${user.display_name}\u2069 @${user.username}` : user.display_name;
}

/** How somebody is listed: by the reader's own label for them, with their name below, or by their name. */
export function listedAs({ display_name, username }: User, contact: Contact | null | undefined): { name: string; below: string } {
  const label = contact?.label;
  return label ? { name: label, below: `${display_name} · @${username}` } : { name: display_name, below: `@${username}` };
}

/** Whose colour a conversation has: the other one's, or its own. */
export function faceOf(conversation: Conversation): string {
  return conversation.peer ?? conversation.id;
}

/** The blob that pictures a conversation: the other one's, or its own. */
export function photoOf(conversation: Conversation, users: Readonly<Record<string, User>>): string | null {
  return (conversation.peer ? users[conversation.peer]?.photo : conversation.photo) ?? null;
}

// Letters of other scripts and digits, and below each the letter that it can be taken for.
const LOOK_ALIKES = "аеорсухіјѕһАВЕКМНОРСТУХІЈЅαινορυΑΒΕΖΗΙΚΜΝΟΡΤΥΧвкI1|0";
const TAKEN_FOR = "aeopcyxijshABEKMHOPCTYXlJSaivopuABEZHlKMNOPTYXBKlllo";
const alike = new WeakMap<object, ReadonlySet<string>>();

/** The ids of those whose names look like somebody else's. */
export function namedAlike(users: Readonly<Record<string, User>>): ReadonlySet<string> {
  let found = alike.get(users);
  if (!found) {
    const first = new Map<string, string>();
    const ids = new Set<string>();
    for (const { id, display_name } of Object.values(users)) {
      const looks = looksOf(display_name);
      const other = first.get(looks);
      if (other) ids.add(other).add(id);
      else if (looks) first.set(looks, id);
    }
    alike.set(users, (found = ids));
  }
  return found;
}

function looksOf(name: string): string {
  return [...name.normalize("NFKD").replace(/[^\p{L}\p{N}\p{S}]/gu, "")]
    .map((letter) => TAKEN_FOR[LOOK_ALIKES.indexOf(letter)] ?? letter)
    .join("")
    .toLowerCase();
}
