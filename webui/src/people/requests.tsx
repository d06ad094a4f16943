// Who asks to be a contact, and who was asked: answered, or taken back.

import * as React from "react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Contact } from "../net/wire";
import { Avatar } from "../parts/Avatar";
import { useOnline, useToday, useTopic, useUsers } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";
import { Dialog, useDoing } from "./dialog";

const newestFirst = (one: Contact, other: Contact) => other.since_ms - one.since_ms;

export function Requests({ app }: { app: Messenger }) {
  const { contacts, store, texts } = app;
  const received = useTopic(store.topics, "contacts", () => contacts.listed("received"));
  const sent = useTopic(store.topics, "contacts", () => contacts.listed("sent"));
  const complete = useTopic(store.topics, "contacts", () => contacts.complete);
  const online = useOnline(app);
  const users = useUsers(app);
  const { busy, failed, act } = useDoing(app);
  const [said, setSaid] = useState("");
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => void (online && contacts.learn()), [online]);
  // What was pressed goes with its request: the next key still belongs to the dialog.
  useEffect(() => {
    if (document.activeElement === document.body) body.current?.closest("dialog")?.focus();
  }, [received, sent]);

  const answer = (command: "accept" | "decline" | "remove", user: string) => async () => {
    setSaid("");
    const done = await act(() => contacts.ask(command, user));
    const name = users[user]?.display_name ?? texts.t("somebody");
    if (done && command === "accept") setSaid(texts.t("requests_accepted", { name }));
  };
  const button = (command: "accept" | "decline" | "remove", user: string, words: string) => (
    <button type="button" className={command === "accept" ? "dm-button" : "dm-button dm-button-quiet"} disabled={busy} onClick={() => void answer(command, user)()}>
      {words}
    </button>
  );
  return (
    <Dialog app={app} title={texts.t("requests")} onBack={() => app.showPeople({ kind: "chat" })}>
      <div ref={body} className="dm-people-rows">
        <p className="dm-people-said" role="status">{said}</p>
        {received.length > 0 && (
          <>
            <p className="dm-people-hint">{texts.t("requests_hint")}</p>
            <ul>
              {[...received].sort(newestFirst).map((contact) => (
                <Request key={contact.user} app={app} contact={contact}>
                  {button("accept", contact.user, texts.t("contact_accept"))}
                  {button("decline", contact.user, texts.t("contact_decline"))}
                </Request>
              ))}
            </ul>
          </>
        )}
        {sent.length > 0 && (
          <section aria-labelledby="dm-people-sent">
            <h3 id="dm-people-sent">{texts.t("requests_sent")}</h3>
            <ul>
              {[...sent].sort(newestFirst).map((contact) => (
                <Request key={contact.user} app={app} contact={contact}>
                  {button("remove", contact.user, texts.t("contact_withdraw"))}
                </Request>
              ))}
            </ul>
          </section>
        )}
        {complete && !received.length && !sent.length && !said && <div className="dm-notice"><p>{texts.t("requests_none")}</p></div>}
      </div>
      {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
    </Dialog>
  );
}

function Request({ app, contact, children }: { app: Messenger; contact: Contact; children: ReactNode }) {
  const { times, texts } = app;
  const user = useUsers(app)[contact.user];
  useToday(app);
  const name = user?.display_name ?? texts.t("somebody");
  return (
    <li className="dm-people-request">
      <button type="button" className="dm-people-row" aria-label={texts.t("profile", { name })} onClick={() => app.showPerson(contact.user)}>
        <Avatar of={contact.user} name={name} photo={user?.photo ?? null} size={48} />
        <span>
          <bdi>{name}</bdi>
          {user && <small>@{user.username}</small>}
        </span>
        <time dateTime={new Date(contact.since_ms).toISOString()}>{times.brief(contact.since_ms)}</time>
      </button>
      {contact.note && <blockquote dir="auto">{contact.note}</blockquote>}
      <div>{children}</div>
    </li>
  );
}
