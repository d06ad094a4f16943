// A message that is written in a form, or edited in it: fields as its type declares them, files with
// their previews. Nothing that was typed is lost when sending fails: the form stays until the server
// has taken it.

import * as React from "react";
import { useLayoutEffect, useRef, useState } from "react";
import { type Message, Refusal } from "../net/wire";
import { type ComposerOf, type FieldOf, filesOf } from "../state/composers";
import { newId } from "../state/ids";
import { isPhone } from "../state/route";
import { FieldInput } from "../parts/fields";
import { IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { FilesField, type Item, useFiles, type Values } from "./files";

const SEND_WITHIN_MS = 40_000;

interface FormProps {
  app: Messenger;
  conversation: string;
  composer: ComposerOf;
  files: readonly File[];
  /** The message that is edited, if it is no new one. */
  editing: Message | undefined;
  maxBytes: number;
  /** Files are being dragged over the page. */
  dropping: boolean;
  onClose(): void;
}

export function FormPanel({ app, conversation, composer, files, editing, maxBytes, dropping, onClose }: FormProps) {
  const { texts, store } = app;
  const fields = composer.fields ?? [];
  const before = (editing?.content ?? {}) as Values;
  const dialog = useRef<HTMLDialogElement>(null);
  const fileField = filesOf(composer);
  const [values, setValues] = useState<Values>(() => valuesOf(fields, before));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [sending, setSending] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const items = useFiles({
    app,
    field: fileField,
    label: composer.label,
    maxBytes,
    before: fileField && before[fileField.name],
    changed: () => setProblems({}),
  });
  const taken = useRef(0);
  // The same name for each try, so that a message whose answer was lost is not sent twice.
  const clientId = useRef({ id: "", content: "" });

  // More may be dropped while it is open.
  useLayoutEffect(() => {
    if (files.length > taken.current) items.add(files.slice(taken.current));
    taken.current = files.length;
  }, [files]);

  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    // Not the button that closes it, which comes first. A phone's keyboard would cover the form.
    if (!isPhone()) element.querySelector<HTMLElement>(".dm-form-fields :is(input:not([type=file]), textarea, select)")?.focus();
    // Closed, it gives the focus back.
    return () => element.close();
  }, []);

  const content = contentOf(fields, values, items.list);
  const written = JSON.stringify(content);
  const [writtenBefore] = useState(written);
  const leave = () => {
    if (leaving) setLeaving(false);
    else if (written !== writtenBefore) setLeaving(true);
    else onClose();
  };

  const uploads = items.list.flatMap(({ upload }) => upload ?? []);
  const uploading = uploads.filter((upload) => upload.state === "uploading");
  const unfit = items.list.some((item) => item.problem || item.upload?.state === "failed");
  const progress = uploads.reduce((sum, upload) => sum + upload.progress, 0) / uploads.length;

  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (sending || uploading.length || unfit) return;
    const empty = unfilled(fields, values, items.list);
    setProblems(Object.fromEntries(empty.map((name) => [name, texts.t("error_required")])));
    if (empty.length) return;
    if (editing && written === writtenBefore) return onClose();
    if (clientId.current.content !== written) clientId.current = { id: newId(Date.now()), content: written };
    const { replyTo } = store.composing(conversation);
    const named = { client_id: clientId.current.id, content };
    setSending(true);
    try {
      if (editing) {
        await app.call("message.edit", { message: editing.id, ...named }, SEND_WITHIN_MS);
      } else {
        await app.call("message.send", { conversation, type: composer.type, reply_to: replyTo?.id ?? null, ...named }, SEND_WITHIN_MS);
        if (replyTo) store.compose(conversation, {});
      }
      onClose();
    } catch (error) {
      setSending(false);
      setProblems(problemOf(error));
    }
  };

  const problemOf = (error: unknown): Record<string, string> => {
    if (!(error instanceof Refusal)) return { "": texts.reason(error) };
    if (editing && error.key === "not_found") return { "": texts.t("deleted") };
    const field = String(error.params["field"] ?? "").split(/[.[]/)[0]!;
    const known = fields.some((one) => one.name === field);
    return { [known ? field : ""]: texts.reason(error) };
  };

  const title = editing ? texts.t("editing") : composer.label;
  return (
    <dialog ref={dialog} className="dm-form" aria-label={title}
      onCancel={(event) => {
        // A file dialog that was cancelled says so too.
        if (event.target !== dialog.current) return;
        event.preventDefault();
        leave();
      }}
      // Chromium closes by a second Esc whatever one says to the first.
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
        event.preventDefault();
        event.stopPropagation();
        leave();
      }}
      onClick={(event) => event.target === dialog.current && leave()}
      onPaste={(event) => {
        const pasted = [...event.clipboardData.files];
        if (!fileField || !pasted.length || event.clipboardData.getData("text/plain")) return;
        event.preventDefault();
        items.add(pasted);
      }}
    >
      <form onSubmit={(event) => void submit(event)}>
        <header>
          <span className={`icon icon-${composer.icon ?? "puzzle"}`} aria-hidden="true" />
          <h2>{title}</h2>
          <IconButton icon="close" label={texts.t("close")} onClick={leave} />
        </header>
        <div className="dm-form-fields">
          {fields.map((field) =>
            field.kind === "files" ? (
              <FilesField key={field.name} app={app} field={field} items={items} problem={problems[field.name]} dropping={dropping} />
            ) : (
              <FieldInput key={field.name} app={app} field={field} value={values[field.name]} problem={problems[field.name]}
                onChange={(value) => {
                  setValues({ ...values, [field.name]: value });
                  if (problems[field.name]) setProblems({ ...problems, [field.name]: "" });
                }}
              />
            ),
          )}
        </div>
        {problems[""] && <p className="dm-form-problem" role="alert">{problems[""]}</p>}
        <footer>
          {leaving ? (
            <>
              <span role="alert">{texts.t(editing ? "discard_changes" : "discard_question")}</span>
              <button type="button" className="dm-button dm-button-quiet" autoFocus onClick={() => setLeaving(false)}>{texts.t("keep")}</button>
              <button type="button" className="dm-button dm-button-danger" onClick={onClose}>{texts.t("discard")}</button>
            </>
          ) : (
            <>
              {uploading.length > 0 && <span role="status">{texts.t("uploading", { n: Math.floor(progress * 100) })}</span>}
              <button type="submit" className="dm-button dm-button-primary" disabled={sending || uploading.length > 0 || unfit}>
                {texts.t(editing ? (sending ? "saving" : "save") : sending ? "sending" : "send")}
              </button>
            </>
          )}
        </footer>
      </form>
    </dialog>
  );
}

/** What the fields hold at first: what the message says that is edited, or nothing. */
function valuesOf(fields: readonly FieldOf[], before: Values): Values {
  return Object.fromEntries(
    fields.map((field) => {
      const value = before[field.name] ?? undefined;
      return [
        field.name,
        field.kind === "switch" ? value === true
          : field.kind === "lines" ? linesOf(value, Math.max(1, field.min ?? 1))
          : field.kind === "choice" ? String(value ?? field.options?.[0]?.[0] ?? "")
          : String(value ?? ""),
      ];
    }),
  );
}

function linesOf(value: unknown, least: number): string[] {
  const lines = Array.isArray(value) ? value.map(String) : [];
  return [...lines, ...Array.from({ length: Math.max(0, least - lines.length) }, () => "")];
}

/** The fields that have to be filled and are not. */
function unfilled(fields: readonly FieldOf[], values: Values, items: readonly Item[]): string[] {
  const isEmpty = (field: FieldOf) => {
    const value = values[field.name];
    if (field.kind === "files") return items.length === 0;
    if (field.kind === "lines") return (value as string[]).filter((line) => /\S/.test(line)).length < (field.min ?? 0);
    return field.required && typeof value === "string" && !/\S/.test(value);
  };
  return fields.filter(isEmpty).map(({ name }) => name);
}

function contentOf(fields: readonly FieldOf[], values: Values, items: readonly Item[]): Values {
  const content: Values = {};
  for (const field of fields) {
    const value = values[field.name];
    if (field.kind === "files") {
      content[field.name] = items.map((item) => ({ blob: item.blob || item.upload?.blob?.id, ...filled(item.values) }));
    } else if (field.kind === "lines") {
      content[field.name] = (value as string[]).map((line) => line.trim()).filter(Boolean);
    } else if (field.kind === "number") {
      if (value !== "") content[field.name] = Number(value);
    } else if (typeof value === "string") {
      // An optional field that was left empty has its default.
      if (value.trim()) content[field.name] = value.trim();
    } else {
      content[field.name] = value;
    }
  }
  return content;
}

function filled(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value !== "string" || value.trim()));
}
