// Who has written without being allowed to, who asks to be a contact, and who was asked: answered, or taken back.

import * as React from "react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Avatar } from "../parts/Avatar";
import { useOnline, useToday, useTopic, useUsers } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Dialog, useDoing } from "./dialog";

/** A message that waits, or somebody who asks or was asked to be a contact. */
interface Asked {
  kind: "message" | "contact";
  user: string;
  since_ms: number;
  said: string | null;
}

const newestFirst = (one: Asked, other: Asked) => other.since_ms - one.since_ms;

export function Requests({ app }: { app: Messenger }) {
  const { contacts, requests, store, texts } = app;
  const received = useTopic(store.topics, "contacts", () => contacts.listed("received"));
  const sent = useTopic(store.topics, "contacts", () => contacts.listed("sent"));
  const written = useTopic(store.topics, "requests", () => requests.listed);
  const asked = useTopic(store.topics, "contacts", () => contacts.complete);
  const complete = useTopic(store.topics, "requests", () => requests.complete) && asked;
  const online = useOnline(app);
  const users = useUsers(app);
  const { busy, failed, act } = useDoing(app);
  const [said, setSaid] = useState("");
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!online) return;
    void contacts.learn();
    if (!requests.complete) void requests.learn();
  }, [online]);
  // What was pressed goes with its request: the next key still belongs to the dialog.
  useEffect(() => {
    if (document.activeElement === document.body) body.current?.closest("dialog")?.focus();
  }, [received, sent, written]);

  const nameOf = (user: string) => users[user]?.display_name ?? texts.t("somebody");
  const answer = async ({ kind, user }: Asked, command: "accept" | "decline" | "remove") => {
    setSaid("");
    if (kind === "message") {
      await act(async () => {
        await app.call(`request.${command}`, { user });
        // What was declined goes with the event that says so.
        if (command === "accept") await app.writeTo(user);
      });
      return;
    }
    const done = await act(() => contacts.ask(command, user));
    if (done && command === "accept") setSaid(texts.t("requests_accepted", { name: nameOf(user) }));
  };
  const button = (one: Asked, command: "accept" | "decline" | "remove", words: string) => (
    <button type="button" className={command === "accept" ? "dm-button" : "dm-button dm-button-quiet"} disabled={busy} onClick={() => void answer(one, command)}>
      {words}
    </button>
  );
  const open: Asked[] = [
    ...written.map(({ user, since_ms, text }): Asked => ({ kind: "message", user, since_ms, said: text })),
    ...received.map(({ user, since_ms, note }): Asked => ({ kind: "contact", user, since_ms, said: note ?? null })),
  ];
  const own = sent.map(({ user, since_ms, note }): Asked => ({ kind: "contact", user, since_ms, said: note ?? null }));
  return (
    <Dialog app={app} title={texts.t("requests")} onBack={() => app.showPeople({ kind: "chat" })}>
      <div ref={body} className="dm-people-rows">
        <p className="dm-people-said" role="status">{said}</p>
        {open.length > 0 && (
          <>
            <p className="dm-people-hint">{texts.t(written.length ? "requests_messages_hint" : "requests_hint")}</p>
            <ul>
              {open.sort(newestFirst).map((one) => (
                <RequestRow key={one.kind + one.user} app={app} user={one.user} sinceMs={one.since_ms} note={one.said} {...(one.kind === "contact" && { what: texts.t("requests_contact") })}>
                  {button(one, "accept", texts.t("contact_accept"))}
                  {button(one, "decline", texts.t("contact_decline"))}
                  <IconButton icon="block" label={texts.t("requests_block", { name: nameOf(one.user) })} onClick={() => app.showPeople({ kind: "block", user: one.user, from: "requests" })} />
                </RequestRow>
              ))}
            </ul>
          </>
        )}
        {own.length > 0 && (
          <section aria-labelledby="dm-people-sent">
            <h3 id="dm-people-sent">{texts.t("requests_sent")}</h3>
            <ul>
              {own.sort(newestFirst).map((one) => (
                <RequestRow key={one.user} app={app} user={one.user} sinceMs={one.since_ms} note={one.said}>
                  {button(one, "remove", texts.t("contact_withdraw"))}
                </RequestRow>
              ))}
            </ul>
          </section>
        )}
        {complete && !open.length && !own.length && !said && <div className="dm-notice"><p>{texts.t("requests_none")}</p></div>}
      </div>
      {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
    </Dialog>
  );
}

interface RequestRowProps {
  app: Messenger;
  user: string;
  sinceMs: number;
  note?: string | null | undefined;
  /** What they want, where it is not what they said. */
  what?: string;
  /** What answers it. */
  children: ReactNode;
}

/** Somebody who asks for something, and the buttons that answer. */
export function RequestRow({ app, user: id, sinceMs, note, what, children }: RequestRowProps) {
  const { times, texts } = app;
  const user = useUsers(app)[id];
  useToday(app);
  const name = user?.display_name ?? texts.t("somebody");
  const about = [user && `@${user.username}`, what].filter(Boolean).join(" · ");
  return (
    <li className="dm-people-request">
      <button type="button" className="dm-people-row" aria-label={texts.t("profile", { name })} onClick={() => app.showPerson(id)}>
        <Avatar of={id} name={name} photo={user?.photo ?? null} size={48} />
        <span>
          <bdi>{name}</bdi>
          {about && <small>{about}</small>}
        </span>
        <time dateTime={new Date(sinceMs).toISOString()}>{times.brief(sinceMs)}</time>
      </button>
      {note && <blockquote dir="auto">{note}</blockquote>}
      <div>{children}</div>
    </li>
  );
}
