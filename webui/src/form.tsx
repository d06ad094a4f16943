// A message that is written in a form: fields as its type declares them, files with their previews.
// Nothing that was typed is lost when sending fails: the form stays until the server has taken it.

import * as React from "react";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "react";
import { type ComposerOf, type FieldOf, filesOf } from "./composers";
import { Icon, IconButton } from "./icons";
import { newId } from "./ids";
import type { Messenger } from "./messenger";
import { sizeOf, Upload } from "./upload";
import { NoAnswer, Refusal } from "./wire";

const SEND_WITHIN_MS = 40_000;

type Values = Record<string, unknown>;

/** A file of the form: its upload, or why it is not even tried, and what is said of it. */
interface Item {
  key: number;
  file: File;
  upload: Upload | null;
  problem: string;
  picture: string;
  values: Values;
}

interface FormProps {
  app: Messenger;
  conversation: string;
  composer: ComposerOf;
  files: readonly File[];
  maxBytes: number;
  onClose(): void;
}

let keys = 0;

export function FormPanel({ app, conversation, composer, files, maxBytes, onClose }: FormProps) {
  const { texts, store } = app;
  const dialog = useRef<HTMLDialogElement>(null);
  const fileField = filesOf(composer);
  const [values, setValues] = useState<Values>(() => blank(composer.fields ?? []));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [sending, setSending] = useState(false);
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const items = useRef<Item[]>([]);
  const taken = useRef(0);
  // The same name for each try, so that a message whose answer was lost is not sent twice.
  const clientId = useRef({ id: "", content: "" });

  const add = (more: readonly File[]) => {
    for (const file of more) {
      if (items.current.length >= (fileField?.max ?? 10)) {
        setProblems((now) => ({ ...now, [fileField!.name]: texts.t("too_many_files", { n: fileField!.max ?? 10 }) }));
        break;
      }
      const tooLarge = file.size > maxBytes;
      items.current.push({
        key: ++keys,
        file,
        upload: tooLarge ? null : new Upload(file, draw),
        problem: tooLarge ? texts.t("file_too_large", { size: sizeOf(maxBytes, texts.language) }) : "",
        picture: /^image\/(png|jpeg|gif|webp|avif)$/.test(file.type) ? URL.createObjectURL(file) : "",
        values: blank(fileField?.item ?? []),
      });
    }
    draw();
  };

  // More may be dropped while it is open.
  useLayoutEffect(() => {
    add(files.slice(taken.current));
    taken.current = files.length;
  }, [files]);

  useEffect(() => {
    dialog.current?.showModal();
    return () => {
      for (const item of items.current) {
        item.upload?.cancel();
        if (item.picture) URL.revokeObjectURL(item.picture);
      }
    };
  }, []);

  const remove = (item: Item) => {
    item.upload?.cancel();
    if (item.picture) URL.revokeObjectURL(item.picture);
    items.current = items.current.filter((other) => other !== item);
    setProblems({});
    draw();
  };

  const move = (item: Item, by: number) => {
    const list = items.current;
    const at = list.indexOf(item);
    const to = at + by;
    if (to < 0 || to >= list.length) return;
    [list[at], list[to]] = [list[to]!, list[at]!];
    draw();
  };

  const uploading = items.current.filter((item) => item.upload?.state === "uploading");
  const unfit = items.current.some((item) => item.problem || item.upload?.state === "failed");
  const progress = items.current.length
    ? items.current.reduce((sum, item) => sum + (item.upload?.progress ?? 0), 0) / items.current.length
    : 1;

  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (sending || uploading.length || unfit) return;
    const found = check(composer.fields ?? [], values, items.current, texts.t.bind(texts) as never);
    setProblems(found);
    if (Object.keys(found).length) return;
    const content = contentOf(composer.fields ?? [], values, items.current);
    const written = JSON.stringify(content);
    if (clientId.current.content !== written) clientId.current = { id: newId(Date.now()), content: written };
    const { replyTo } = store.composing(conversation);
    setSending(true);
    try {
      await app.call(
        "message.send",
        { conversation, client_id: clientId.current.id, type: composer.type, content, reply_to: replyTo?.id ?? null },
        SEND_WITHIN_MS,
      );
      if (replyTo) store.compose(conversation, {});
      onClose();
    } catch (error) {
      setSending(false);
      setProblems(problemOf(error));
    }
  };

  const problemOf = (error: unknown): Record<string, string> => {
    if (!(error instanceof Refusal)) return { "": error instanceof NoAnswer ? texts.t("no_answer") : String(error) };
    const field = String(error.params["field"] ?? "").split(/[.[]/)[0]!;
    const known = (composer.fields ?? []).some((one) => one.name === field);
    const sentence = texts.failure(error.key, error.params as Record<string, string | number>) ?? error.message;
    return { [known ? field : ""]: sentence };
  };

  return (
    <dialog ref={dialog} className="dm-form" aria-label={composer.label}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <form onSubmit={(event) => void submit(event)}>
        <header>
          <span className={`icon icon-${composer.icon ?? "puzzle"}`} aria-hidden="true" />
          <h2>{composer.label}</h2>
          <IconButton icon="close" label={texts.t("close")} onClick={onClose} />
        </header>
        <div className="dm-form-fields">
          {(composer.fields ?? []).map((field) =>
            field.kind === "files" ? (
              <Files key={field.name} app={app} field={field} items={items.current} problem={problems[field.name]}
                onAdd={add} onRemove={remove} onMove={move} onChange={draw}
              />
            ) : (
              <FieldOf key={field.name} app={app} field={field} value={values[field.name]} problem={problems[field.name]}
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
          {uploading.length > 0 && <span role="status">{texts.t("uploading", { n: Math.floor(progress * 100) })}</span>}
          <button type="submit" className="dm-button dm-button-primary" disabled={sending || uploading.length > 0 || unfit}>
            {texts.t(sending ? "sending" : "send")}
          </button>
        </footer>
      </form>
    </dialog>
  );
}

interface FieldProps {
  app: Messenger;
  field: FieldOf;
  value: unknown;
  problem: string | undefined;
  onChange(value: unknown): void;
}

function FieldOf({ app, field, value, problem, onChange }: FieldProps) {
  const id = `dm-field-${field.name}`;
  const shared = { id, "aria-invalid": problem ? true : undefined, "aria-describedby": problem ? `${id}-problem` : undefined };
  const text = String(value ?? "");
  const limit = field.kind === "lines" || field.kind === "number" ? undefined : field.max;
  return (
    <div className={`dm-field dm-field-${field.kind}`}>
      <label htmlFor={field.kind === "lines" ? `${id}-0` : id}>{field.label}</label>
      {field.kind === "text" && (
        <input {...shared} type="text" dir="auto" value={text} maxLength={limit} placeholder={field.placeholder} onChange={(event) => onChange(event.target.value)} />
      )}
      {field.kind === "area" && (
        <textarea {...shared} dir="auto" rows={3} value={text} maxLength={limit} placeholder={field.placeholder} onChange={(event) => onChange(event.target.value)} />
      )}
      {field.kind === "number" && (
        <input {...shared} type="number" value={text} min={field.min} max={field.max} step={1} onChange={(event) => onChange(event.target.value)} />
      )}
      {field.kind === "switch" && (
        <input {...shared} type="checkbox" role="switch" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
      )}
      {field.kind === "choice" && (
        <select {...shared} value={text} onChange={(event) => onChange(event.target.value)}>
          {field.options?.map(([option, label]) => <option key={option} value={option}>{label}</option>)}
        </select>
      )}
      {field.kind === "lines" && <Lines app={app} field={field} id={id} value={value as string[]} onChange={onChange} />}
      {problem && <p className="dm-form-problem" id={`${id}-problem`} role="alert">{problem}</p>}
    </div>
  );
}

function Lines({ app, field, id, value, onChange }: { app: Messenger; field: FieldOf; id: string; value: string[]; onChange(value: string[]): void }) {
  const { texts } = app;
  const list = useRef<HTMLDivElement>(null);
  const most = field.max ?? 20;
  const focus = (at: number) => requestAnimationFrame(() => list.current?.querySelectorAll("input")[at]?.focus());
  const insert = (at: number) => {
    if (value.length >= most) return;
    onChange([...value.slice(0, at), "", ...value.slice(at)]);
    focus(at);
  };
  const drop = (at: number) => {
    onChange(value.filter((_, index) => index !== at));
    focus(Math.max(0, at - 1));
  };
  return (
    <div ref={list} className="dm-lines">
      {value.map((line, at) => (
        <div key={at} className="dm-line">
          <input id={`${id}-${at}`} type="text" dir="auto" value={line} aria-label={`${field.label} ${at + 1}`} placeholder={field.placeholder}
            onChange={(event) => onChange(value.map((other, index) => (index === at ? event.target.value : other)))}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.nativeEvent.isComposing) {
                event.preventDefault();
                if (at + 1 < value.length) focus(at + 1);
                else insert(at + 1);
              } else if (event.key === "Backspace" && !line && value.length > Math.max(1, field.min ?? 0)) {
                event.preventDefault();
                drop(at);
              }
            }}
          />
          {value.length > Math.max(1, field.min ?? 0) && <IconButton icon="close" label={texts.t("remove")} onClick={() => drop(at)} />}
        </div>
      ))}
      {value.length < most && (
        <button type="button" className="dm-link" onClick={() => insert(value.length)}>{texts.t("add_line")}</button>
      )}
    </div>
  );
}

interface FilesProps {
  app: Messenger;
  field: FieldOf;
  items: readonly Item[];
  problem: string | undefined;
  onAdd(files: readonly File[]): void;
  onRemove(item: Item): void;
  onMove(item: Item, by: number): void;
  onChange(): void;
}

function Files({ app, field, items, problem, onAdd, onRemove, onMove, onChange }: FilesProps) {
  const { texts } = app;
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!items.length) input.current?.focus();
  }, []);
  return (
    <div className="dm-field dm-field-files">
      <ul className="dm-files">
        {items.map((item, at) => (
          <li key={item.key} data-state={item.problem ? "failed" : item.upload?.state}>
            {item.picture ? <img className="dm-file-picture" src={item.picture} alt="" /> : <span className="dm-file-icon icon icon-file" aria-hidden="true" />}
            <div className="dm-file-words">
              <span className="dm-file-name" dir="auto">{item.file.name}</span>
              <span className="dm-file-size">{sizeOf(item.file.size, texts.language)}</span>
              {item.upload?.state === "uploading" && <progress max={1} value={item.upload.progress} aria-label={item.file.name} />}
              {(item.problem || item.upload?.state === "failed") && (
                <span className="dm-form-problem" role="alert">
                  {item.problem || item.upload?.reason || texts.t("upload_failed")}{" "}
                  {item.upload && <button type="button" className="dm-link" onClick={() => item.upload?.retry()}>{texts.t("retry")}</button>}
                </span>
              )}
              {field.item?.map((one) => (
                <input key={one.name} type="text" dir="auto" className="dm-file-field" placeholder={one.label} aria-label={`${one.label}: ${item.file.name}`}
                  maxLength={one.max} value={String(item.values[one.name] ?? "")}
                  onChange={(event) => {
                    item.values = { ...item.values, [one.name]: event.target.value };
                    onChange();
                  }}
                />
              ))}
            </div>
            {at > 0 && <IconButton icon="up" label={texts.t("previous")} onClick={() => onMove(item, -1)} />}
            <IconButton icon="close" label={texts.t("remove")} onClick={() => onRemove(item)} />
          </li>
        ))}
      </ul>
      {items.length < (field.max ?? 10) && (
        <label className="dm-add-files">
          <Icon name="plus" /> {texts.t("add_files")}
          <input ref={input} type="file" multiple={(field.max ?? 10) > 1} accept={field.accept?.includes("*/*") ? undefined : field.accept?.join(",")}
            onChange={(event) => {
              onAdd([...(event.target.files ?? [])]);
              event.target.value = "";
            }}
          />
        </label>
      )}
      {problem && <p className="dm-form-problem" role="alert">{problem}</p>}
    </div>
  );
}

function blank(fields: readonly FieldOf[]): Values {
  return Object.fromEntries(
    fields.map((field) => [
      field.name,
      field.kind === "switch" ? false
        : field.kind === "lines" ? Array.from({ length: Math.max(1, field.min ?? 1) }, () => "")
        : field.kind === "choice" ? field.options?.[0]?.[0] ?? ""
        : "",
    ]),
  );
}

type T = (key: "error_required" | "error_too_short", params?: { n: number }) => string;

function check(fields: readonly FieldOf[], values: Values, items: readonly Item[], t: T): Record<string, string> {
  const found: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field.name];
    const lines = field.kind === "lines" ? (value as string[]).filter((line) => /\S/.test(line)) : [];
    const missing =
      field.kind === "files" ? items.length === 0 :
      field.kind === "lines" ? lines.length < (field.min ?? 0) :
      field.required && typeof value === "string" && !/\S/.test(value);
    if (missing) found[field.name] = t("error_required");
  }
  return found;
}

function contentOf(fields: readonly FieldOf[], values: Values, items: readonly Item[]): Values {
  const content: Values = {};
  for (const field of fields) {
    const value = values[field.name];
    if (field.kind === "files") {
      content[field.name] = items.map((item) => ({ blob: item.upload?.blob?.id, ...filled(item.values) }));
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
