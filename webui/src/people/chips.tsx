// Who has been chosen, each with a way to take the choice back.

import * as React from "react";
import { useState } from "react";
import type { User } from "../net/wire";
import { nameOf } from "../state/people";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

/** As many as the server takes at once. */
export const MOST_CHOSEN = 200;

/** People who were chosen one after another; choosing somebody again takes it back. */
export function useChosen(): [readonly User[], (user: User) => void] {
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const toggle = (user: User) =>
    setChosen((all) => {
      const others = all.filter(({ id }) => id !== user.id);
      return others.length < all.length ? others : [...all, user].slice(0, MOST_CHOSEN);
    });
  return [chosen, toggle];
}

export function Chips({ app, chosen, onRemove }: { app: Messenger; chosen: readonly User[]; onRemove(user: User): void }) {
  const { contacts, texts } = app;
  if (!chosen.length) return null;
  const known = { ...app.store.users, ...Object.fromEntries(chosen.map((user) => [user.id, user])) };
  const shown = ({ id }: User) => contacts.of(id)?.label ?? nameOf(id, known, texts);
  return (
    <ul className="dm-people-chips" aria-label={texts.t("people_chosen")}>
      {chosen.map((user) => (
        <li key={user.id}>
          <button type="button" title={texts.t("people_take_out", { name: shown(user) })} onClick={() => onRemove(user)}>
            <Avatar of={user.id} name={user.display_name} photo={user.photo ?? null} size={24} />
            <bdi>{shown(user)}</bdi>
            <Icon name="close" size={16} />
            <span className="dm-hidden">{texts.t("remove")}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
