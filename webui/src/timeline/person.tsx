// A person's card: who they are, what they are to the reader, and the way to write to them. Over whatever named
// or showed them.

import * as React from "react";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Avatar } from "../parts/Avatar";
import { useLayer, useTopic, useUsers } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { BlockButton } from "../parts/block";
import { Status } from "../parts/presence";
import { Label } from "./label";

export function PersonCard({ app }: { app: Messenger }) {
  const id = useTopic(app.store.topics, "person", () => app.person);
  const refused = useTopic(app.store.topics, "person", () => app.refused);
  if (id) return <Person key={id} app={app} id={id} />;
  return refused ? <Card app={app}><h2 id="dm-card-name">{refused}</h2></Card> : null;
}

function Person({ app, id }: { app: Messenger; id: string }) {
  const { blocks, store, texts } = app;
  const user = useUsers(app)[id];
  const blocked = useTopic(store.topics, "blocks", () => blocks.has(id));
  useEffect(() => void blocks.learn(), [id]);
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);

  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailed("");
    try {
      await work();
      return true;
    } catch (error) {
      setFailed(texts.reason(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const name = user?.display_name ?? texts.t("somebody");
  return (
    <Card app={app}>
      <Avatar of={id} name={name} photo={user?.photo ?? null} size={72} />
      <h2 id="dm-card-name" dir="auto">{name}</h2>
      {user && <p>@{user.username}</p>}
      {id !== store.me.id && (
        <>
          <p className="dm-card-status"><Status app={app} id={id} instead={null} /></p>
          {blocked ? (
            <p role="status">{texts.t("blocked")}</p>
          ) : (
            <>
              <button type="button" className="dm-button" disabled={busy} onClick={() => void act(() => app.writeTo(id))}>
                {texts.t("write_to")}
              </button>
              <Relation app={app} id={id} busy={busy} act={act} />
            </>
          )}
          <BlockButton app={app} id={id} />
        </>
      )}
      {failed && <p role="alert">{failed}</p>}
    </Card>
  );
}

interface RelationProps {
  app: Messenger;
  id: string;
  busy: boolean;
  /** Do something, and say why it was not done; resolves to whether it was. */
  act(work: () => Promise<void>): Promise<boolean>;
}

/** Whether somebody is a contact, was asked or asks, and what can be done about it. */
function Relation({ app, id, busy, act }: RelationProps) {
  const { contacts, store, texts } = app;
  const contact = useTopic(store.topics, "contacts", () => contacts.of(id));
  useEffect(() => void contacts.learn(), [id]);
  // Not known without a connection.
  if (contact === undefined) return null;
  const button = (command: "request" | "accept" | "decline" | "remove", words: string) => (
    <button type="button" className="dm-link" disabled={busy} onClick={() => void act(() => contacts.ask(command, id))}>
      {words}
    </button>
  );
  return (
    <div className="dm-card-contact">
      {contact && <p role="status">{texts.t(({ contact: "contact_is", sent: "contact_sent", received: "contact_received" } as const)[contact.state])}</p>}
      {contact?.state === "contact" && <Label app={app} id={id} label={contact.label ?? ""} busy={busy} act={act} />}
      {contact?.note && <blockquote dir="auto">{contact.note}</blockquote>}
      <div>
        {!contact && button("request", texts.t("contact_add"))}
        {contact?.state === "sent" && button("remove", texts.t("contact_withdraw"))}
        {contact?.state === "received" && button("accept", texts.t("contact_accept"))}
        {contact?.state === "received" && button("decline", texts.t("contact_decline"))}
        {contact?.state === "contact" && button("remove", texts.t("contact_remove"))}
      </div>
    </div>
  );
}

function Card({ app, children }: { app: Messenger; children: ReactNode }) {
  const { texts } = app;
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => {
    // While what has the focus is still in it: the browser gives it back.
    dialog.current?.close();
    app.showPerson(null);
  };
  useLayer(app, close);
  useLayoutEffect(() => {
    const shown = dialog.current!;
    shown.showModal();
    return () => shown.close();
  }, []);
  return (
    <dialog ref={dialog} className="dm-card" aria-labelledby="dm-card-name"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div>
        <IconButton icon="close" label={texts.t("close")} onClick={close} />
        {children}
      </div>
    </dialog>
  );
}
