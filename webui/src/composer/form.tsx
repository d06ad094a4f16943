// A message that is written in a form, or edited in it: fields as its type declares them, files with
// their previews. What is sent is the outbox's; what was refused is written once more in this form.
// An edited message stays in it until the server has taken the change.

import * as React from "react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { progressOf } from "../net/upload";
import { type Message, type Params, Refusal } from "../net/wire";
import { accepts, alsoOf, claimOf, type ComposerOf, type FieldOf, filesOf, pastedFiles, wordsOf } from "../state/composers";
import type { Files, Sending } from "../state/files";
import { newId } from "../state/ids";
import { isPhone } from "../state/route";
import type { Outgoing, Written } from "../state/store";
import { useLayer, useOnline } from "../parts/hooks";
import { FieldInput } from "../parts/fields";
import { IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { begunOf, describedOf, FilesField, idOf, type Item, picturesOf, uploadsOf, useFiles, type Values } from "./files";

const SAVE_WITHIN_MS = 40_000;

interface FormProps {
  app: Messenger;
  conversation: string;
  composer: ComposerOf;
  /** The other types, which may take files that this one does not. */
  others: readonly ComposerOf[];
  files: readonly File[];
  /** What stands in the text box: it goes with the files. */
  draft: string | undefined;
  /** The message that is edited, if it is no new one. */
  editing: Message | undefined;
  /** The message that was refused and is written once more. */
  rewriting: Outgoing | undefined;
  maxBytes: number;
  /** Files are being dragged over the page. */
  dropping: boolean;
  /** Write another type's message of these files instead. */
  onSwitch(composer: ComposerOf, files: File[]): void;
  onSent(): void;
  onClose(): void;
}

export function FormPanel({ app, conversation, composer, others, files, draft, editing, rewriting, maxBytes, dropping, onSwitch, onSent, onClose }: FormProps) {
  const { texts } = app;
  const online = useOnline(app);
  const fields = composer.fields ?? [];
  const dialog = useRef<HTMLDialogElement>(null);
  const fileField = filesOf(composer);
  const words = wordsOf(fields);
  const before = rewriting ? writtenIn(rewriting, fileField) : ((editing?.content ?? (draft && words ? { [words.name]: draft } : {})) as Values);
  const [values, setValues] = useState<Values>(() => valuesOf(fields, before));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [saving, setSaving] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const items = useFiles({
    app,
    field: fileField,
    type: composer.type,
    label: composer.label,
    // An edit stays one message.
    others: editing ? [] : others,
    maxBytes,
    before: fileField && before[fileField.name],
    unsent: rewriting && app.outbox.files.of(rewriting.clientId),
    changed: () => setProblems({}),
  });
  const taken = useRef(0);
  // The same name for each try, so that a change whose answer was lost is not made twice.
  const clientId = useRef({ id: "", content: "" });

  useLayoutEffect(() => void (rewriting?.reason && refused(rewriting.reason)), []);

  /** Take files; of an empty form another type may be the one that takes them. */
  const choose = (chosen: File[]) => {
    const fits = !fileField || chosen.some((file) => accepts(fileField, file));
    const other = fits || unsaved || editing || rewriting ? undefined : claimOf(others, chosen);
    if (other && chosen.length) onSwitch(other, chosen);
    else items.add(chosen);
  };
  // More may be dropped while it is open.
  useLayoutEffect(() => {
    if (files.length > taken.current) choose(files.slice(taken.current));
    taken.current = files.length;
  }, [files]);

  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    // Not the button that closes it, which comes first. A phone's keyboard would cover the form.
    const first = ".dm-form-fields :is(input:not([type=file]), textarea, select)";
    if (!isPhone()) (element.querySelector<HTMLElement>("[aria-invalid]") ?? element.querySelector<HTMLElement>(first))?.focus();
    // Closed, it gives the focus back.
    return () => element.close();
  }, []);

  const content = contentOf(fields, values, items.list);
  const written = JSON.stringify(content);
  const [writtenBefore] = useState(written);
  const unsaved = written !== writtenBefore;
  /** Close it, or ask first; whether it stays. */
  const leave = () => {
    if (!unsaved) onClose();
    else setLeaving(!leaving);
    return unsaved;
  };
  useLayer(app, leave);
  useEffect(() => {
    if (!unsaved) return;
    const ask = (event: Event) => app.ended || event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [unsaved]);

  const uploads = items.list.flatMap(uploadsOf);
  const describing = items.list.some((item) => item.describing);
  const uploading = items.list.filter((item) => item.checking || uploadsOf(item).some(({ state }) => state === "uploading"));
  // A new message waits for its files in the conversation: without a connection too.
  const waits = !online && !editing;
  const unfit = items.list.some(({ problem, upload }) => problem || (upload?.state === "failed" && !(waits && upload.lost)));
  const unready = unfit || describing || (uploading.length > 0 && !!editing);
  const progress = progressOf(uploads);

  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (saving || unready) return;
    const empty = unfilled(fields, values, items.list);
    setProblems(Object.fromEntries(empty.map((name) => [name, texts.t("error_required")])));
    if (empty.length) return;
    if (editing) return save(editing);
    send();
  };

  /** Send a message of each type that takes some of it. */
  const send = () => {
    const own = items.list.filter((item) => !item.elsewhere);
    const takers = [...new Set(items.list.flatMap(({ elsewhere }) => elsewhere ?? []))];
    const messages = takers.map((taker, at) => {
      // What was written goes with the files, where nothing else is left that it could go with.
      const words = own.length || at ? {} : values;
      return outgoingOf(app, taker, valuesOf(taker.fields!, words), items.list.filter(({ elsewhere }) => elsewhere === taker));
    });
    if (own.length || !takers.length) messages.unshift(outgoingOf(app, composer, values, own));
    if (rewriting && (own.length || !takers.length)) app.outbox.rewrite(rewriting, ...messages.shift()!);
    else if (rewriting) app.outbox.discard(rewriting);
    for (const message of messages) app.outbox.send(conversation, ...message);
    items.handOver();
    onSent();
    onClose();
  };

  const redirect = (item: Item, taker: ComposerOf) => {
    items.redirect(item, taker);
    if (items.list.length === 1) send();
  };

  const save = async (edited: Message) => {
    if (written === writtenBefore) return onClose();
    if (clientId.current.content !== written) clientId.current = { id: newId(Date.now()), content: written };
    setSaving(true);
    try {
      await app.call("message.edit", { message: edited.id, client_id: clientId.current.id, content }, SAVE_WITHIN_MS);
      onClose();
    } catch (error) {
      setSaving(false);
      if (!(error instanceof Refusal)) setProblems({ "": texts.reason(error) });
      else if (error.key === "not_found") setProblems({ "": texts.t("deleted") });
      else refused({ ...error, sentence: error.message });
    }
  };

  /** Show a refusal at the file or under the field that it names, or under all of them. */
  function refused({ key, params, sentence }: { key: string; params: Params; sentence: string }): void {
    const [, field = "", place] = /^(\w+)(?:\[(\d+)\])?/.exec(String(params["field"] ?? "")) ?? [];
    const problem = texts.failure(key, params) ?? sentence;
    if (place && field === fileField?.name && items.refuse(Number(place), problem)) return;
    const known = fields.some((one) => one.name === field);
    setProblems({ [known ? field : ""]: problem });
  }

  const title = editing ? texts.t("editing") : composer.label;
  return (
    <dialog ref={dialog} className="dm-form" aria-label={title}
      onCancel={(event) => {
        // A file dialog that was cancelled says so too.
        if (event.target !== dialog.current) return;
        event.preventDefault();
        leave();
      }}
      // A phone's Back may close it whatever was said to the first.
      onClose={() => dialog.current?.showModal()}
      // Chromium closes by a second Esc whatever one says to the first.
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.nativeEvent.isComposing) {
          event.preventDefault();
          return dialog.current!.querySelector("form")!.requestSubmit();
        }
        if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
        event.preventDefault();
        event.stopPropagation();
        leave();
      }}
      onClick={(event) => event.target === dialog.current && leave()}
      onPaste={(event) => {
        const pasted = pastedFiles(event.clipboardData);
        if (!fileField || !pasted.length) return;
        event.preventDefault();
        choose(pasted);
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
              <FilesField key={field.name} app={app} field={field} also={(!editing && alsoOf(composer, others)?.accept) || []} items={items} problem={problems[field.name]} dropping={dropping} waits={waits} onChoose={choose} onRedirect={redirect} />
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
              <span role="alert">{texts.t(editing || rewriting ? "discard_changes" : "discard_question")}</span>
              <button type="button" className="dm-button dm-button-quiet" autoFocus onClick={() => setLeaving(false)}>{texts.t("keep")}</button>
              <button type="button" className="dm-button dm-button-danger" onClick={onClose}>{texts.t("discard")}</button>
            </>
          ) : (
            <>
              {waits && !unready ? <span role="status">{texts.t("sent_on_return")}</span>
                : uploading.length > 0 && <span role="status">{texts.t("uploading", { n: Math.floor(progress * 100) })}</span>}
              <button type="submit" className="dm-button dm-button-primary" disabled={saving || unready}>
                {texts.t(editing ? (saving ? "saving" : "save") : "send")}
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
      const names = new Set(field.item?.map(({ name }) => name));
      content[field.name] = items.map((item) => ({ ...describedOf(item), blob: idOf(item), ...filled(item.values, names) }));
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

/** The message of a type that these values and files make, and which of them are not uploaded yet. */
function outgoingOf(app: Messenger, { type, label, fields = [] }: ComposerOf, values: Values, items: readonly Item[]): [Written, Files, Sending] {
  const content = contentOf(fields, values, items);
  const begun = begunOf(items);
  const seen = items.length > 0 && items.every(({ shape }) => shape);
  const drawn = seen ? app.modules.draw(type, content, () => picturesOf(items)) : null;
  const files = Object.fromEntries(Object.entries(begun).map(([name, { file }]) => [name, file]));
  return [{ type, content, text: textOf(fields, content) || label, ...filesIn(items) }, files, { begun, drawn }];
}

/** What a row shows of a form until the server has drawn it: the first words that were typed. */
function textOf(fields: readonly FieldOf[], content: Values): string {
  const words = fields.find(({ kind, name }) => (kind === "text" || kind === "area") && content[name]);
  return words ? String(content[words.name]) : "";
}

/** What is known of the uploads beside their ids, so that the form can show them again. */
function filesIn(items: readonly Item[]): Pick<Written, "files"> {
  if (!items.length) return {};
  const known = items.map((item) => [idOf(item), { name: item.name, bytes: item.size, media_type: item.mediaType }]);
  return { files: Object.fromEntries(known) as Written["files"] };
}

/** The content of a message that was refused, with what is known of its files. */
function writtenIn({ content, files }: Outgoing, field: FieldOf | undefined): Values {
  if (!field || !files) return content;
  const items = content[field.name] as Values[];
  return { ...content, [field.name]: items.map((item) => ({ ...files[String(item["blob"])], ...item })) };
}

/** What stands in those of these fields that hold something. */
function filled(values: Values, names: ReadonlySet<string>): Values {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => names.has(name) && (typeof value !== "string" || value.trim())));
}
