// The reader's own codes: links, and QR codes of them, that show others whose they are. Made, listed, revoked.

import * as React from "react";
import { useEffect, useState } from "react";
import type { CodeInfo, CodesFound } from "../net/wire";
import { useOnline } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";
import { Code, Made, NewCode } from "./code_parts";
import { Dialog, useDoing } from "./dialog";

export function Codes({ app }: { app: Messenger }) {
  const { store, texts } = app;
  const [codes, setCodes] = useState<readonly CodeInfo[] | null>(null);
  const [more, setMore] = useState(false);
  const [made, setMade] = useState("");
  const { busy, failed, act } = useDoing(app);
  const online = useOnline(app);
  const read = async (after?: string) => {
    const page = await app.call<CodesFound>("contact.code_list", after ? { after } : {});
    setCodes((known) => [...((after && known) || []), ...page.codes]);
    setMore(page.more);
  };
  useEffect(() => void (online && !codes && act(() => read())), [online]);
  const revoke = (id: string) => act(async () => {
    await app.call("contact.code_revoke", { id });
    setCodes((known) => known?.filter((code) => code.id !== id) ?? null);
  });
  const show = (link: string) => {
    setMade(link);
    return read();
  };
  const isOver = ({ expires_at_ms, uses, used }: CodeInfo) =>
    (expires_at_ms !== null && expires_at_ms <= Date.now()) || (uses !== null && used >= uses);
  return (
    <Dialog app={app} title={texts.t("codes")} onBack={() => app.showPeople({ kind: "chat" })}>
      <div className="dm-people-rows">
        {made ? (
          <Made app={app} link={made} onDone={() => setMade("")} />
        ) : (
          <NewCode app={app} command="contact.code_create" what="codes_what" labelHint="code_label_hint" busy={busy} act={act} onMade={show} />
        )}
        {codes && codes.length > 0 && (
          <section aria-labelledby="dm-people-codes">
            <h3 id="dm-people-codes">{texts.t("codes_made")}</h3>
            <ul>
              {codes.map((code) => (
                <Code key={code.id} app={app} code={code} over={isOver(code)} hint="code_revoke_hint" busy={busy} onRevoke={() => void revoke(code.id)} />
              ))}
            </ul>
            {more && (
              <button type="button" className="dm-link" disabled={busy} onClick={() => void act(() => read(codes.at(-1)?.id))}>{texts.t("more_people")}</button>
            )}
          </section>
        )}
      </div>
      {failed && (
        <p className="dm-form-problem" role="alert">
          {failed} {store.online && !codes && <button type="button" className="dm-link" onClick={() => void act(() => read())}>{texts.t("retry")}</button>}
        </p>
      )}
    </Dialog>
  );
}
