// Who did something with a message: put an emoji on it, has read it. Asked for when somebody looks.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { Message, User } from "../net/wire";
import { nameOf } from "../state/people";
import { Avatar } from "../parts/Avatar";
import type { Messenger } from "../parts/messenger";

/** As many as the server finds readers among; nobody asks who of more has read something. */
export const MAX_READERS_IN = 200;
const HOVER_MS = 300;
const NAMED = 10;

/** People, the first of them; `next` is where others follow, null where none do. */
export interface People {
  users: readonly User[];
  next: string | null;
}

/** Those who put `emoji` on a message; without one, those who have read it. Begins behind `known`. */
export async function whoDid(app: Messenger, { id }: Message, emoji?: string, known?: People): Promise<People> {
  const command = emoji ? "message.reacted_by" : "message.read_by";
  const users = [...(known?.users ?? [])];
  let after = known?.next ?? null;
  do {
    const page = await app.call<People>(command, { message: id, ...(emoji && { emoji }), after });
    users.push(...page.users);
    after = page.next;
    // A page of a large group may have nobody and yet not be the last.
  } while (after && users.length === (known?.users.length ?? 0));
  return { users, next: after };
}

/** A reaction below a message; who put it is told to a pointer that rests on it. */
export function Reaction({ app, message, emoji, count, own }: { app: Messenger; message: Message; emoji: string; count: number; own: boolean }) {
  const { texts } = app;
  const [names, setNames] = useState("");
  const resting = useRef(0);
  useEffect(() => {
    setNames("");
    return () => clearTimeout(resting.current);
  }, [count]);
  const tell = async () => {
    const { users } = await whoDid(app, message, emoji).catch(() => ({ users: [] }));
    const known = { ...app.store.users, ...Object.fromEntries(users.map((user) => [user.id, user])) };
    const named = users.slice(0, NAMED).map(({ id }) => nameOf(id, known, texts));
    if (count > named.length) named.push(texts.t("others", { n: count - named.length }));
    if (users.length) setNames(new Intl.ListFormat(texts.language).format(named));
  };
  return (
    <button type="button" data-react={emoji} aria-pressed={own} aria-label={texts.t("reaction", { emoji, n: count })} title={names}
      onPointerEnter={({ pointerType }) => {
        if (pointerType === "mouse" && !names) resting.current = window.setTimeout(() => void tell(), HOVER_MS);
      }}
      onPointerLeave={() => clearTimeout(resting.current)}
    >
      <span aria-hidden="true">{emoji}</span> {count}
    </button>
  );
}

/** People in a menu, one below the other. */
interface PeopleItemsProps {
  app: Messenger;
  people: People;
  onMore(): void;
  /** Somebody was chosen: their card comes in its place. */
  onClose(): void;
}

export function PeopleItems({ app, people, onMore, onClose }: PeopleItemsProps) {
  return (
    <>
      {people.users.map(({ id, display_name, username, photo = null }) => (
        <button key={id} type="button" className="dm-person" role="menuitem" tabIndex={-1} data-user={id} onClick={onClose}>
          <Avatar of={id} name={display_name} photo={photo} size={32} />
          <span>
            <bdi>{display_name}</bdi>
            <small>@{username}</small>
          </span>
        </button>
      ))}
      {people.next && (
        <button type="button" role="menuitem" tabIndex={-1} onClick={onMore}>
          {app.texts.t("more_people")}
        </button>
      )}
    </>
  );
}
