// Who comes into a group that exists. Whoever may add people sees the way here.

import * as React from "react";
import { useEffect, useState } from "react";
import type { User } from "../net/wire";
import type { Messenger } from "../parts/messenger";
import { Chips, useChosen } from "./chips";
import { Dialog, useDoing } from "./dialog";
import { Picker } from "./picker";

export function AddMembers({ app, conversation }: { app: Messenger; conversation: string }) {
  const { texts } = app;
  const [chosen, toggle] = useChosen();
  const [members, setMembers] = useState<ReadonlySet<string>>(new Set());
  const { busy, failed, act } = useDoing(app);
  useEffect(() => {
    // Of a large group the first of them: adding somebody again changes nothing.
    app.call<{ members: User[] }>("conversation.members", { conversation }).then(
      (page) => setMembers(new Set(page.members.map(({ id }) => id))),
      () => undefined,
    );
  }, []);
  const add = async () => {
    await app.call("conversation.add", { conversation, members: chosen.map(({ id }) => id) });
    app.showPeople(null);
    app.refreshDetails?.();
  };
  return (
    <Dialog app={app} title={texts.t("add_people")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen.length && !busy) void act(add);
        }}
      >
        <Chips app={app} chosen={chosen} onRemove={toggle} />
        <Picker app={app} busy={busy} chosen={chosen} taken={{ ids: members, words: texts.t("people_member") }} onChoose={toggle} />
        <footer>
          {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
          <button className="dm-button" disabled={busy || !chosen.length}>{texts.t("people_add")}</button>
        </footer>
      </form>
    </Dialog>
  );
}
