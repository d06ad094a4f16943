// What the reader calls a contact, on their card: nobody else sees it.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

// As the server has it.
const MAX_LABEL = 64;

interface LabelProps {
  app: Messenger;
  id: string;
  label: string;
  busy: boolean;
  /** Do something, and say why it was not done; resolves to whether it was. */
  act(work: () => Promise<void>): Promise<boolean>;
}

export function Label({ app: { contacts, texts }, id, label, busy, act }: LabelProps) {
  const [editing, setEditing] = useState(false);
  const [value, setValue] = useState("");
  const shown = useRef<HTMLButtonElement>(null);
  const begun = useRef(false);
  // Where the field was, the focus stays.
  useEffect(() => {
    if (begun.current && !editing) shown.current?.focus();
    begun.current = editing;
  }, [editing]);
  if (!editing) {
    const edit = () => {
      setValue(label);
      setEditing(true);
    };
    return (
      <button ref={shown} type="button" className="dm-card-label" onClick={edit}>
        <Icon name="edit" />
        <span>
          <bdi>{label || texts.t("label_add")}</bdi>
          <small>{texts.t(label ? "label_own" : "label_hint")}</small>
        </span>
      </button>
    );
  }
  const save = async (event: React.FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const wanted = value.trim();
    if (wanted === label || (await act(() => contacts.ask("label", id, { label: wanted || null })))) setEditing(false);
  };
  return (
    <form className="dm-card-label dm-field" onSubmit={(event) => void save(event)}>
      <label htmlFor="dm-card-label">{texts.t("label_own")}</label>
      <input id="dm-card-label" type="text" dir="auto" autoFocus value={value} maxLength={MAX_LABEL} autoComplete="off"
        onChange={(event) => setValue(event.target.value)}
      />
      <button className="dm-link" disabled={busy}>{texts.t("save")}</button>
      <button type="button" className="dm-link" onClick={() => setEditing(false)}>{texts.t("cancel")}</button>
    </form>
  );
}
