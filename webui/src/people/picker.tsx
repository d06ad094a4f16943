// A field, and below it people: contacts before anything is typed, then whom the search has found.

import * as React from "react";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useReducer, useRef, useState } from "react";
import type { Contact, PersonFound, User } from "../net/wire";
import { listedAs } from "../state/people";
import { PeopleSearch } from "../state/people_search";
import { Avatar } from "../parts/Avatar";
import { useLasting, useOnline, useTopic, useUsers } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

// As many as are drawn at once: somebody may have thousands.
const PAGE = 100;

interface PickerProps {
  app: Messenger;
  /** Who has been chosen, where several may be. */
  chosen?: readonly User[];
  /** The ids of those who cannot be chosen, and what is said of them. */
  taken?: { ids: ReadonlySet<string>; words: string };
  busy: boolean;
  /** What stands above the contacts while nothing is typed. */
  children?: ReactNode;
  /** Whether each contact has a button that leads to their card. */
  cards?: boolean;
  onChoose(user: User): void;
}

export function Picker({ app, chosen, taken, busy, children, cards, onChoose }: PickerProps) {
  const { contacts, store, texts } = app;
  const field = useRef<HTMLInputElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const search = useSearch(app);
  const typed = search.query.trim() !== "";

  const choose = (user: User) => {
    if (busy || taken?.ids.has(user.id) || user.id === store.me.id) return;
    onChoose(user);
    if (!chosen || !typed) return;
    // The next one.
    search.type("");
    field.current?.focus();
  };
  const enter = async () => {
    if (search.isAnswered) {
      const first = search.exact ?? search.found!.users[0];
      return first && choose(first);
    }
    // Typed too quickly to have seen who it would be: only who is called exactly so.
    await search.ask();
    if (search.exact) choose(search.exact);
  };
  const move = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.target === field.current && event.key === "Enter") {
      event.preventDefault();
      if (typed) void enter();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...(rows.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement) + step;
    event.preventDefault();
    (at < 0 ? field.current : all[Math.min(at, all.length - 1)])?.focus();
  };
  const row = (user: User, contact: Contact | null | undefined, about = "") => {
    const isTaken = taken?.ids.has(user.id);
    return (
      <PersonRow key={user.id} app={app} user={user} contact={contact} about={isTaken ? taken!.words : about} disabled={isTaken}
        chosen={chosen && chosen.some(({ id }) => id === user.id)} card={cards} onChoose={choose}
      />
    );
  };

  return (
    <div className="dm-people-picker" onKeyDown={move}>
      <label className="dm-people-field">
        <Icon name="search" />
        <input ref={field} type="text" inputMode="search" dir="auto" value={search.query} aria-label={texts.t("people_field")} placeholder={texts.t("people_field")}
          autoComplete="off" autoCapitalize="none" spellCheck={false} enterKeyHint="search" maxLength={200}
          onChange={(event) => search.type(event.target.value)}
        />
      </label>
      <div ref={rows} className="dm-people-rows" data-typed={typed || undefined}>
        {typed ? (
          <Results app={app} search={search}>
            {(found) => {
              const known = contacts.of(found.id);
              return row(found, known === undefined ? found.contact : known, about(app, found));
            }}
          </Results>
        ) : (
          <>
            {children}
            <Known app={app}>{row}</Known>
          </>
        )}
      </div>
    </div>
  );
}

function useSearch(app: Messenger): PeopleSearch {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const [search] = useState(() => new PeopleSearch((command, params) => app.call(command, params), draw));
  const online = useOnline(app);
  useEffect(() => () => search.stop(), []);
  useEffect(() => {
    if (online && search.failed) void search.ask();
  }, [online]);
  return search;
}

function about({ texts }: Messenger, { contact, shared }: PersonFound): string {
  return shared && contact?.state !== "contact" ? texts.t("people_shared", { n: shared }) : "";
}

function Results({ app, search, children }: { app: Messenger; search: PeopleSearch; children(found: PersonFound): ReactNode }) {
  const { contacts, store, texts } = app;
  useTopic(store.topics, "contacts", () => contacts.listed("contact"));
  const waiting = useLasting(!search.found && !search.failed);
  const { found, failed } = search;
  if (failed) {
    return (
      <div className="dm-notice">
        <p role="alert">{store.online ? texts.reason(failed) : texts.t("error_no_connection")}</p>
        <button type="button" className="dm-button" onClick={() => void search.ask()}>{texts.t("retry")}</button>
      </div>
    );
  }
  if (!found) return waiting ? <Skeleton /> : null;
  const others = found.users.filter(({ id }) => id !== store.me.id);
  return (
    <>
      <p role="status" className="dm-hidden">{others.length ? texts.t("people_found", { n: others.length }) : ""}</p>
      {others.length ? (
        <ul>{others.map((user) => children(user))}</ul>
      ) : (
        <div className="dm-notice" role="status">
          <p><b>{texts.t("people_none")}</b></p>
          <p>{texts.t(found.everybody ? "people_none_hint" : "people_none_hint_closed")}</p>
        </div>
      )}
    </>
  );
}

/** The reader's contacts in the order of what they are called. */
function Known({ app, children }: { app: Messenger; children(user: User, contact: Contact): ReactNode }) {
  const { contacts, store, texts } = app;
  const all = useTopic(store.topics, "contacts", () => contacts.listed("contact"));
  const complete = useTopic(store.topics, "contacts", () => contacts.complete);
  const failed = useTopic(store.topics, "contacts", () => contacts.failed);
  const users = useUsers(app);
  const online = useOnline(app);
  const [most, setMost] = useState(PAGE);
  const waiting = useLasting(!complete && !failed);
  useEffect(() => void (online && contacts.learn()), [online]);
  const sorted = useMemo(() => {
    const named = all.flatMap((contact) => {
      const user = users[contact.user];
      return user ? [{ user, contact, name: listedAs(user, contact).name }] : [];
    });
    const { compare } = new Intl.Collator(texts.language);
    return named.sort((one, other) => compare(one.name, other.name));
  }, [all, users]);
  if (!complete && failed) {
    return (
      <div className="dm-notice">
        <p role="alert">{online ? texts.reason(failed) : texts.t("error_no_connection")}</p>
        <button type="button" className="dm-button" onClick={() => void contacts.learn()}>{texts.t("retry")}</button>
      </div>
    );
  }
  if (!complete) return waiting ? <Skeleton /> : null;
  if (!sorted.length) return <div className="dm-notice"><p>{texts.t("contacts_none")}</p></div>;
  return (
    <section aria-labelledby="dm-people-contacts">
      <h3 id="dm-people-contacts">{texts.t("contacts")}</h3>
      <ul>{sorted.slice(0, most).map(({ user, contact }) => children(user, contact))}</ul>
      {sorted.length > most && (
        <button type="button" className="dm-link" onClick={() => setMost(most + PAGE)}>{texts.t("more_people")}</button>
      )}
    </section>
  );
}

interface RowProps {
  app: Messenger;
  user: User;
  contact: Contact | null | undefined;
  /** What else is said of them. */
  about: string;
  /** Whether they were chosen; undefined where only one is. */
  chosen: boolean | undefined;
  disabled: boolean | undefined;
  card: boolean | undefined;
  onChoose(user: User): void;
}

function PersonRow({ app, user, contact, about, chosen, disabled, card, onChoose }: RowProps) {
  const { name, below } = listedAs(user, contact);
  return (
    <li>
      <button type="button" className="dm-people-row" data-row aria-pressed={chosen} disabled={disabled} onClick={() => onChoose(user)}>
        <Avatar of={user.id} name={user.display_name} photo={user.photo ?? null} size={40} />
        <span>
          <bdi>{name}</bdi>
          <small>{about ? `${below} · ${about}` : below}</small>
        </span>
        {chosen && <Icon name="sent" />}
      </button>
      {card && <IconButton icon="person" label={app.texts.t("profile", { name })} onClick={() => app.showPerson(user.id)} />}
    </li>
  );
}

function Skeleton() {
  return (
    <div className="dm-list-skeleton" aria-hidden="true">
      {[0, 1, 2].map((index) => <i key={index} />)}
    </div>
  );
}
