// The reader's own codes: links, and QR codes of them, that show others whose they are. Made, listed, revoked.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { CodeCreated, CodeInfo, CodesFound } from "../net/wire";
import { newId } from "../state/ids";
import { copyText } from "../parts/clipboard";
import { FieldInput } from "../parts/fields";
import { useLasting, useOnline, useTopic } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Dialog, useDoing } from "./dialog";

// As the server has them.
const MAX_LABEL = 64;
const MAX_USES = 10_000;
const DAY_MS = 86_400_000;
const DAYS = ["1", "7", "30"];
const NO_END = "";
const COPIED_MS = 2_000;
// It comes in much less, or not at all.
const DRAWN_WITHIN_MS = 5_000;

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
  const show = ({ url }: CodeCreated) => {
    // Where the server does not know its own address, it is the one of this page.
    setMade(new URL(url, location.origin).href);
    return read();
  };
  return (
    <Dialog app={app} title={texts.t("codes")} onBack={() => app.showPeople({ kind: "chat" })}>
      <div className="dm-people-rows">
        {made ? <Made app={app} link={made} onDone={() => setMade("")} /> : <NewCode app={app} busy={busy} act={act} onMade={show} />}
        {codes && codes.length > 0 && (
          <section aria-labelledby="dm-people-codes">
            <h3 id="dm-people-codes">{texts.t("codes_made")}</h3>
            <ul>{codes.map((code) => <Code key={code.id} app={app} code={code} busy={busy} onRevoke={() => void revoke(code.id)} />)}</ul>
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

interface NewCodeProps {
  app: Messenger;
  busy: boolean;
  act(work: () => Promise<unknown>): Promise<boolean>;
  onMade(code: CodeCreated): Promise<void>;
}

function NewCode({ app, busy, act, onMade }: NewCodeProps) {
  const { texts } = app;
  const [label, setLabel] = useState("");
  const [days, setDays] = useState("7");
  const [uses, setUses] = useState("");
  const [wrong, setWrong] = useState("");
  // The same name and end for each try, so that a code whose answer was lost is not made twice.
  const asked = useRef({ written: "", params: {} });
  const make = async () => {
    const written = JSON.stringify([label, days, uses]);
    if (asked.current.written !== written) {
      const params = {
        client_id: newId(),
        ...(label.trim() && { label: label.trim() }),
        ...(days && { expires_at_ms: Date.now() + Number(days) * DAY_MS }),
        ...(uses && { uses: Number(uses) }),
      };
      asked.current = { written, params };
    }
    const code = await app.call<CodeCreated>("contact.code_create", asked.current.params);
    asked.current.written = "";
    await onMade(code);
  };
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const count = Number(uses);
    const fits = !uses || (Number.isInteger(count) && count >= 1 && count <= MAX_USES);
    setWrong(fits ? "" : count > MAX_USES ? texts.t("error_at_most", { n: MAX_USES }) : texts.t("error_at_least", { n: 1 }));
    if (fits) void act(make);
  };
  const ends = [...DAYS.map((n): [string, string] => [n, texts.t("days", { n })]), [NO_END, texts.t("code_no_end")] as [string, string]];
  return (
    <form className="dm-people-code-form" noValidate onSubmit={submit}>
      <p>{texts.t("codes_what")}</p>
      <FieldInput app={app} scope="code-" field={{ kind: "text", name: "label", label: texts.t("code_label"), max: MAX_LABEL, placeholder: texts.t("code_label_hint") }}
        value={label} problem={undefined} onChange={(value) => setLabel(String(value))}
      />
      <div>
        <FieldInput app={app} scope="code-" field={{ kind: "choice", name: "days", label: texts.t("code_days"), options: ends }}
          value={days} problem={undefined} onChange={(value) => setDays(String(value))}
        />
        <FieldInput app={app} scope="code-" field={{ kind: "number", name: "uses", label: texts.t("code_uses"), min: 1, max: MAX_USES, placeholder: texts.t("code_any") }}
          value={uses} problem={wrong || undefined} onChange={(value) => setUses(String(value))}
        />
      </div>
      <button className="dm-button" disabled={busy}>{texts.t("code_make")}</button>
    </form>
  );
}

/** A code that was just made: its link and its QR code, for this once. */
function Made({ app, link, onDone }: { app: Messenger; link: string; onDone(): void }) {
  const { store, texts } = app;
  const [copied, setCopied] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const picture = useTopic(store.topics, "qr", () => (app.qr?.text === link ? app.qr.picture : ""));
  const late = useLasting(!picture, DRAWN_WITHIN_MS);
  useEffect(() => {
    app.drawQr?.(link);
    button.current?.focus();
  }, []);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div className="dm-people-made">
      {picture ? <img src={picture} alt={texts.t("code_qr")} width={208} height={208} /> : <div>{late && texts.t("code_qr_late")}</div>}
      <code dir="ltr">{link}</code>
      <p role="status"><b>{texts.t("code_once")}</b> {texts.t("code_once_hint")}</p>
      <div>
        <button ref={button} type="button" className="dm-button" onClick={() => void copyText(link).then(() => setCopied(true))}>
          {texts.t(copied ? "copied" : "code_copy")}
        </button>
        <button type="button" className="dm-button dm-button-quiet" onClick={onDone}>{texts.t("code_done")}</button>
      </div>
    </div>
  );
}

function Code({ app, code, busy, onRevoke }: { app: Messenger; code: CodeInfo; busy: boolean; onRevoke(): void }) {
  const { texts, times } = app;
  const [asking, setAsking] = useState(false);
  const { label, created_at_ms, expires_at_ms, uses, used } = code;
  const name = label ?? texts.t("code_unnamed", { day: times.moment(created_at_ms, "day") });
  const over = (expires_at_ms !== null && expires_at_ms <= Date.now()) || (uses !== null && used >= uses);
  const about = [
    uses === null ? texts.t("code_used", { n: used }) : texts.t("code_used_of", { used, uses }),
    over ? texts.t("code_over") : expires_at_ms !== null && texts.t("code_until", { moment: times.moment(expires_at_ms) }),
  ];
  return (
    <li className="dm-people-code" data-over={over || undefined}>
      <Icon name="link" />
      <span>
        <bdi>{name}</bdi>
        <small>{about.filter(Boolean).join(" · ")}</small>
      </span>
      {over ? (
        <IconButton icon="trash" label={texts.t("remove")} disabled={busy} onClick={onRevoke} />
      ) : asking ? (
        <div>
          <small role="status">{texts.t("code_revoke_hint")}</small>
          <button type="button" className="dm-link" disabled={busy} autoFocus onClick={onRevoke}>{texts.t("code_revoke")}</button>
          <button type="button" className="dm-link" onClick={() => setAsking(false)}>{texts.t("cancel")}</button>
        </div>
      ) : (
        <button type="button" className="dm-link" aria-label={texts.t("code_revoke_which", { name })} onClick={() => setAsking(true)}>
          {texts.t("code_revoke")}
        </button>
      )}
    </li>
  );
}
