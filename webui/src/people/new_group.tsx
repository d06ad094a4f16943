// A new group: what it is called, and who is in it.

import * as React from "react";
import { useState } from "react";
import { FieldInput } from "../parts/fields";
import type { Messenger } from "../parts/messenger";
import { Chips, useChosen } from "./chips";
import { Dialog, useDoing } from "./dialog";
import { Picker } from "./picker";

const MAX_TITLE = 128;

export function NewGroup({ app }: { app: Messenger }) {
  const { texts } = app;
  const [title, setTitle] = useState("");
  const [chosen, toggle] = useChosen();
  const [unnamed, setUnnamed] = useState(false);
  const { busy, failed, act } = useDoing(app);
  const create = async () => {
    const members = chosen.map(({ id }) => id);
    const { id } = await app.call<{ id: string }>("conversation.create", { kind: "group", title: title.trim(), members });
    app.showPeople(null);
    app.route.open(id);
  };
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setUnnamed(!title.trim());
    if (title.trim()) void act(create);
    else document.getElementById("dm-field-group-title")?.focus();
  };
  return (
    <Dialog app={app} title={texts.t("new_group")}>
      <form onSubmit={submit}>
        <FieldInput app={app} scope="group-" field={{ kind: "text", name: "title", label: texts.t("group_name"), max: MAX_TITLE }} value={title}
          problem={unnamed ? texts.t("error_required") : undefined}
          onChange={(value) => {
            setTitle(String(value));
            setUnnamed(false);
          }}
        />
        <Chips app={app} chosen={chosen} onRemove={toggle} />
        <Picker app={app} busy={busy} chosen={chosen} onChoose={toggle} />
        <footer>
          {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
          <button className="dm-button" disabled={busy}>{texts.t("group_create")}</button>
        </footer>
      </form>
    </Dialog>
  );
}
