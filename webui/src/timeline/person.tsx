// A person's card: who they are, and the way to write to them. Over whatever named or showed them.

import * as React from "react";
import { useLayoutEffect, useRef, useState } from "react";
import { Avatar } from "../parts/Avatar";
import { useLayer, useTopic, useUsers } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { isWide } from "../state/route";

export function PersonCard({ app }: { app: Messenger }) {
  const id = useTopic(app.store.topics, "person", () => app.person);
  return id ? <Card key={id} app={app} id={id} /> : null;
}

function Card({ app, id }: { app: Messenger; id: string }) {
  const { store, texts } = app;
  const dialog = useRef<HTMLDialogElement>(null);
  const user = useUsers(app)[id];
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);
  const close = () => {
    // While what has the focus is still in it: the browser gives it back.
    dialog.current?.close();
    app.showPerson(null);
  };
  useLayer(app, close);
  useLayoutEffect(() => dialog.current!.showModal(), []);

  const write = async () => {
    setBusy(true);
    try {
      const known = store.list().find(({ peer }) => peer === id)?.id;
      const chat = known ?? (await app.call<{ id: string }>("conversation.create", { kind: "direct", members: [id] })).id;
      close();
      if (!isWide()) app.closePanel?.();
      app.route.open(chat);
    } catch (error) {
      setFailed(texts.reason(error));
      setBusy(false);
    }
  };
  const name = user?.display_name ?? texts.t("somebody");
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
        <Avatar of={id} name={name} photo={user?.photo ?? null} size={72} />
        <h2 id="dm-card-name" dir="auto">{name}</h2>
        {user && <p>@{user.username}</p>}
        {id !== store.me.id && (
          <button type="button" className="dm-button" disabled={busy} onClick={() => void write()}>
            {texts.t("write_to")}
          </button>
        )}
        {failed && <p role="alert">{failed}</p>}
      </div>
    </dialog>
  );
}
