// What dialogs about links have in common: the form that makes one, what is shown of it once, its row in the list.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { Key } from "../i18n/texts";
import type { CodeCreated } from "../net/wire";
import { newId } from "../state/ids";
import { copyText } from "../parts/clipboard";
import { FieldInput } from "../parts/fields";
import { useLasting, useTopic } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

// As the server has them.
const MAX_LABEL = 64;
const MAX_USES = 10_000;
const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const ENDS_AFTER_HOURS = [1, DAY_HOURS, 7 * DAY_HOURS, 30 * DAY_HOURS];
const NO_END = "";
const COPIED_MS = 2_000;
// It comes in much less, or not at all.
const DRAWN_WITHIN_MS = 5_000;

interface NewCodeProps {
  app: Messenger;
  /** What makes one, and what it is given beside what the form asks. */
  command: "contact.code_create" | "conversation.invite_create";
  about?: { conversation: string };
  what: Key;
  labelHint: Key;
  /** Whether the form asks if who uses it needs an approval. */
  approves?: boolean;
  busy: boolean;
  act(work: () => Promise<unknown>): Promise<boolean>;
  onMade(link: string): Promise<void>;
}

export function NewCode({ app, command, about, what, labelHint, approves, busy, act, onMade }: NewCodeProps) {
  const { texts } = app;
  const [label, setLabel] = useState("");
  const [hours, setHours] = useState(String(7 * DAY_HOURS));
  const [uses, setUses] = useState("");
  const [approval, setApproval] = useState(false);
  const [wrong, setWrong] = useState("");
  // The same name and end for each try, so that a code whose answer was lost is not made twice.
  const asked = useRef({ written: "", params: {} });
  const make = async () => {
    const written = JSON.stringify([label, hours, uses, approval]);
    if (asked.current.written !== written) {
      const params = {
        ...about,
        client_id: newId(),
        ...(label.trim() && { label: label.trim() }),
        ...(hours && { expires_at_ms: Date.now() + Number(hours) * HOUR_MS }),
        ...(uses && { uses: Number(uses) }),
        ...(approval && { approval }),
      };
      asked.current = { written, params };
    }
    const { url } = await app.call<CodeCreated>(command, asked.current.params);
    asked.current.written = "";
    // Where the server does not know its own address, it is the one of this page.
    await onMade(new URL(url, location.origin).href);
  };
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const count = Number(uses);
    const fits = !uses || (Number.isInteger(count) && count >= 1 && count <= MAX_USES);
    setWrong(fits ? "" : count > MAX_USES ? texts.t("error_at_most", { n: MAX_USES }) : texts.t("error_at_least", { n: 1 }));
    if (fits) void act(make);
  };
  const time = (n: number) => (n < DAY_HOURS ? texts.t("hours", { n }) : texts.t("days", { n: n / DAY_HOURS }));
  const ends = [...ENDS_AFTER_HOURS.map((n): [string, string] => [String(n), time(n)]), [NO_END, texts.t("code_no_end")] as [string, string]];
  return (
    <form className="dm-people-code-form" noValidate onSubmit={submit}>
      <p>{texts.t(what)}</p>
      <FieldInput app={app} scope="code-" field={{ kind: "text", name: "label", label: texts.t("code_label"), max: MAX_LABEL, placeholder: texts.t(labelHint) }}
        value={label} problem={undefined} onChange={(value) => setLabel(String(value))}
      />
      <div>
        <FieldInput app={app} scope="code-" field={{ kind: "choice", name: "hours", label: texts.t("code_days"), options: ends }}
          value={hours} problem={undefined} onChange={(value) => setHours(String(value))}
        />
        <FieldInput app={app} scope="code-" field={{ kind: "number", name: "uses", label: texts.t("code_uses"), min: 1, max: MAX_USES, placeholder: texts.t("code_any") }}
          value={uses} problem={wrong || undefined} onChange={(value) => setUses(String(value))}
        />
      </div>
      {approves && (
        <FieldInput app={app} scope="code-" field={{ kind: "switch", name: "approval", label: texts.t("invite_approval") }}
          value={approval} problem={undefined} onChange={(value) => setApproval(value === true)}
        />
      )}
      <button className="dm-button" disabled={busy}>{texts.t("code_make")}</button>
    </form>
  );
}

/** A code that was just made: its link and its QR code, for this once. */
export function Made({ app, link, onDone }: { app: Messenger; link: string; onDone(): void }) {
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

interface CodeProps {
  app: Messenger;
  code: { label: string | null; created_at_ms: number; expires_at_ms: number | null; uses: number | null; used: number };
  /** It lets nobody in any more. */
  over: boolean;
  /** What else is said of it. */
  about?: readonly string[];
  /** What revoking it does not take back. */
  hint: Key;
  busy: boolean;
  onRevoke(): void;
}

export function Code({ app, code, over, about = [], hint, busy, onRevoke }: CodeProps) {
  const { texts, times } = app;
  const [asking, setAsking] = useState(false);
  const { label, created_at_ms, expires_at_ms, uses, used } = code;
  const name = label ?? texts.t("code_unnamed", { day: times.moment(created_at_ms, "day") });
  const said = [
    uses === null ? texts.t("code_used", { n: used }) : texts.t("code_used_of", { used, uses }),
    over ? texts.t("code_over") : expires_at_ms !== null && texts.t("code_until", { moment: times.moment(expires_at_ms) }),
    ...about,
  ];
  return (
    <li className="dm-people-code" data-over={over || undefined}>
      <Icon name="link" />
      <span>
        <bdi>{name}</bdi>
        <small>{said.filter(Boolean).join(" · ")}</small>
      </span>
      {over ? (
        <IconButton icon="trash" label={texts.t("remove")} disabled={busy} onClick={onRevoke} />
      ) : asking ? (
        <div>
          <small role="status">{texts.t(hint)}</small>
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
