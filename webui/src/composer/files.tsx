// Files of a form: chosen, dropped or pasted, each with its picture, its way to the server and what is
// said of it. They keep their order, which the author may change.

import * as React from "react";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "react";
import { Upload } from "../net/upload";
import { nameOf, reasonOf, sizeOf } from "../i18n/uploads";
import { Refusal } from "../net/wire";
import { accepts, claimOf, type ComposerOf, type FieldOf, filesOf } from "../state/composers";
import type { Begun, Files } from "../state/files";
import type { Picture } from "../state/modules";
import { Icon, IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

export type Values = Record<string, unknown>;

/** A file: its upload, or why it is not even tried, and what is said of it. */
export interface Item {
  key: number;
  name: string;
  /** In bytes; null where nobody says. */
  size: number | null;
  mediaType: string;
  /** What the message that is edited holds already; "" for what is new. */
  blob: string;
  upload: Upload | null;
  /** Whether the type is asked just now if it takes the file. */
  checking: boolean;
  /** Whether its type's script looks at it just now. */
  describing: boolean;
  /** What that said of it. */
  described: Values;
  /** What that wants uploaded beside it, by the names in the content. */
  beside: Record<string, Upload>;
  problem: string;
  /** The type that it is sent as, where it is not the form's. */
  elsewhere: ComposerOf | null;
  picture: string;
  /** How large that is, once it has been seen. */
  shape: { width: number; height: number } | null;
  values: Values;
}

/** The files of a form, with all that may be done to them. */
export interface Items {
  list: readonly Item[];
  problem: string;
  add(files: readonly File[]): void;
  remove(item: Item): void;
  move(item: Item, by: number): void;
  say(item: Item, values: Values): void;
  /** Who else takes this file. */
  takerOf(item: Item): ComposerOf | undefined;
  /** Send it as what another type makes of it. */
  redirect(item: Item, composer: ComposerOf): void;
  /** Whoever sends the message goes on with what is on its way. */
  handOver(): void;
  /** Say what is wrong with the one that has this place in the content; whether there is one. */
  refuse(place: number, problem: string): boolean;
}

// The server decodes all of a picture.
const CHECK_WITHIN_MS = 40_000;

const PICTURE = /^image\/(png|jpeg|gif|webp|avif)$/;

interface FilesOptions {
  app: Messenger;
  field: FieldOf | undefined;
  /** The type that is written. */
  type: string;
  /** What a message of this type is called. */
  label: string;
  /** The other types, which may take what this one does not. */
  others: readonly ComposerOf[];
  maxBytes: number;
  /** What the message that is edited holds. */
  before: unknown;
  /** Those of its files that are not on the server yet. */
  unsent: Files | undefined;
  /** Hears of other files, fewer, another order. */
  changed(): void;
}

/** The files of a form for as long as it is open. */
export function useFiles({ app, field, type, label, others, maxBytes, before, unsent, changed }: FilesOptions): Items {
  const { texts, store } = app;
  const [kept] = useState(() => (field ? keptOf(field, label, before) : []));
  const list = useRef<Item[]>(kept);
  const { lane } = app.outbox.files;
  const handedOver = useRef(false);
  const keys = useRef(kept.length);
  const [problem, setProblem] = useState("");
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const most = field?.max ?? 10;

  const add = (files: readonly File[]) => {
    changed();
    setProblem("");
    take(files);
  };

  const take = (files: readonly File[]) => {
    if (!field) return;
    for (const file of files) {
      if (list.current.length >= most) {
        setProblem(texts.t("too_many_files", { n: most }));
        break;
      }
      const taker = accepts(field, file) ? undefined : takerOf(file);
      const wrong = !accepts(field, file) && !taker ? texts.t("wrong_kind", { type: label })
        : file.size > maxBytes ? texts.t("file_too_large", { size: sizeOf(maxBytes, texts.language) })
        : "";
      const item: Item = {
        key: ++keys.current,
        name: nameOf(file),
        size: file.size,
        mediaType: file.type,
        blob: "",
        upload: null,
        checking: false,
        describing: false,
        described: {},
        beside: {},
        problem: wrong,
        elsewhere: taker ?? null,
        picture: PICTURE.test(file.type) ? URL.createObjectURL(file) : "",
        shape: null,
        values: Object.fromEntries((field.item ?? []).map((one) => [one.name, ""])),
      };
      list.current.push(item);
      if (wrong) continue;
      item.upload = new Upload(file, lane, () => progressed(item));
      void describe(item, file, taker?.type ?? type);
    }
    draw();
  };

  const describe = async (item: Item, file: File, taker: string) => {
    item.describing = true;
    const { values, blobs } = await app.modules.describe(taker, file);
    item.describing = false;
    item.described = values;
    // It may have been taken out meanwhile.
    for (const [name, blob] of list.current.includes(item) ? Object.entries(blobs) : []) {
      item.beside[name] = new Upload(new File([blob], name, { type: blob.type }), lane, draw);
      if (PICTURE.test(blob.type)) item.picture ||= URL.createObjectURL(blob);
    }
    draw();
  };

  const progressed = (item: Item) => {
    if (item.upload?.state === "done" && field?.check && !item.elsewhere) void check(item, field.check);
    draw();
  };

  const check = async (item: Item, command: string) => {
    item.checking = true;
    try {
      await app.call(command, { blob: item.upload!.blob!.id }, CHECK_WITHIN_MS);
    } catch (error) {
      // What cannot be asked now is said of the message.
      if (error instanceof Refusal && !error.retryable) item.problem = texts.reason(error);
    }
    item.checking = false;
    draw();
  };

  const takerOf = (file: Pick<File, "name" | "type">) =>
    claimOf(others.filter((other) => list.current.filter(({ elsewhere }) => elsewhere === other).length < (filesOf(other)?.max ?? 10)), [file]);

  const redirect = (item: Item, composer: ComposerOf) => {
    item.elsewhere = composer;
    item.problem = "";
    for (const upload of Object.values(item.beside)) upload.cancel();
    Object.assign(item, { described: {}, beside: {} });
    changed();
    draw();
  };

  const refuse = (place: number, said: string) => {
    const item = list.current.filter(({ elsewhere }) => !elsewhere)[place];
    if (item) item.problem = said;
    draw();
    return !!item;
  };

  const remove = (item: Item) => {
    for (const upload of uploadsOf(item)) upload.cancel();
    if (item.picture) URL.revokeObjectURL(item.picture);
    list.current = list.current.filter((other) => other !== item);
    changed();
    setProblem("");
    draw();
  };

  const move = (item: Item, by: number) => {
    const at = list.current.indexOf(item);
    const to = at + by;
    if (to < 0 || to >= list.current.length) return;
    [list.current[at], list.current[to]] = [list.current[to]!, list.current[at]!];
    draw();
  };

  const say = (item: Item, values: Values) => {
    item.values = { ...item.values, ...values };
    draw();
  };

  // What is not on the server yet is as if it were chosen again, with what was said of it.
  useLayoutEffect(() => {
    const those = (unsent ? (before as Values[]) : []).filter(({ blob }) => unsent![String(blob)]);
    take(those.map(({ blob }) => unsent![String(blob)]!));
    list.current.slice(kept.length).forEach((item, at) => say(item, sayable(field?.item, those[at]!)));
  }, []);

  // What was lost with the connection goes on with the next one.
  useEffect(
    () =>
      store.topics.subscribe("online", () => {
        if (store.online) for (const upload of list.current.flatMap(uploadsOf)) if (upload.lost) upload.retry();
      }),
    [],
  );
  useEffect(
    () => () => {
      for (const item of list.current) {
        if (!handedOver.current) for (const upload of uploadsOf(item)) upload.cancel();
        if (item.picture) URL.revokeObjectURL(item.picture);
      }
      list.current = [];
    },
    [],
  );
  return {
    list: list.current, problem, add, remove, move, say, redirect, refuse,
    handOver: () => void (handedOver.current = true),
    takerOf: ({ name, mediaType }) => takerOf({ name, type: mediaType }),
  };
}

/** The files that a message holds, in the shape in which its type's form makes them. */
function keptOf(field: FieldOf, label: string, before: unknown): Item[] {
  const pictures = field.accept?.every((pattern) => pattern.startsWith("image/"));
  const uploaded = (Array.isArray(before) ? (before as Values[]) : []).filter(({ blob }) => !isUnsent(String(blob)));
  return uploaded.map((one, at) => {
    const blob = String(one["blob"]);
    const { name, bytes, media_type: mediaType } = one;
    return {
      key: at + 1,
      name: typeof name === "string" && name ? name : `${label} ${at + 1}`,
      size: typeof bytes === "number" ? bytes : null,
      mediaType: typeof mediaType === "string" ? mediaType : "",
      blob,
      upload: null,
      checking: false,
      describing: false,
      described: {},
      beside: {},
      problem: "",
      elsewhere: null,
      picture: pictures || PICTURE.test(String(mediaType)) ? `/blobs/${blob}` : "",
      shape: null,
      values: sayable(field.item, one),
    };
  });
}

/** What is said of a file: of each of these fields what it holds. */
function sayable(fields: readonly FieldOf[] | undefined, one: Values): Values {
  return Object.fromEntries((fields ?? []).map(({ name }) => [name, String(one[name] ?? "")]));
}

const UNSENT = "unsent:";

function isUnsent(blob: string): boolean {
  return blob.startsWith(UNSENT);
}

/** The blob of a file; a name that stands for it while there is none. */
export function idOf({ blob, upload, key }: Item): string {
  return blob || upload?.blob?.id || `${UNSENT}${key}`;
}

/** The pictures of these files, for the row of a message on its way; each is an address that is to be revoked. */
export function picturesOf(items: readonly Item[]): Picture[] {
  return items.map(({ shape, upload, picture }) => ({ ...shape!, src: upload ? URL.createObjectURL(upload.file) : picture }));
}

/** A file's way to the server, and that of what goes beside it. */
export function uploadsOf({ upload, beside }: Item): Upload[] {
  return [...(upload ? [upload] : []), ...Object.values(beside)];
}

/** What its type's script said of a file, as the content holds it. */
export function describedOf(item: Item): Values {
  // What the server did not take is left out: the file can be sent without.
  const taken = Object.entries(item.beside).filter(([, upload]) => upload.blob || upload.lost || upload.state === "uploading");
  return { ...item.described, ...Object.fromEntries(taken.map(([name, upload]) => [name, { blob: upload.blob?.id ?? besideName(item, name) }])) };
}

function besideName(item: Item, name: string): string {
  return `${UNSENT}${item.key}:${name}`;
}

/** The uploads that have not arrived yet, by the names that stand for their files. */
export function begunOf(items: readonly Item[]): Begun {
  const isLeft = (upload: Upload) => !upload.blob && (upload.lost || upload.state === "uploading");
  return Object.fromEntries(items.flatMap((item) => [
    ...(item.upload && !item.upload.blob ? [[idOf(item), item.upload] as const] : []),
    ...Object.entries(item.beside).flatMap(([name, upload]) => (isLeft(upload) ? [[besideName(item, name), upload] as const] : [])),
  ]));
}

interface FilesProps {
  app: Messenger;
  field: FieldOf;
  /** Kinds of files that may be chosen too. */
  also: readonly string[];
  items: Items;
  problem: string | undefined;
  dropping: boolean;
  /** There is no connection, and they wait for it. */
  waits: boolean;
  onChoose(files: File[]): void;
  onRedirect(item: Item, composer: ComposerOf): void;
}

export function FilesField({ app, field, also, items, problem, dropping, waits, onChoose, onRedirect }: FilesProps) {
  const { texts } = app;
  const input = useRef<HTMLInputElement>(null);
  const most = field.max ?? 10;
  const { list } = items;
  const said = items.problem || problem;
  useEffect(() => {
    if (list.length || !input.current) return;
    input.current.focus();
    // Whoever asked for this form wants to choose files: one press less. A browser that has seen no
    // press lately shows the form alone.
    if (navigator.userActivation?.isActive) input.current.click();
  }, []);
  return (
    <div className="dm-field dm-field-files">
      <ul className="dm-files" aria-label={field.label}>
        {list.map((item, at) => (
          <li key={item.key} data-state={item.problem ? "failed" : waits && item.upload?.lost ? "uploading" : item.upload?.state}>
            <FilePicture item={item} />
            <div className="dm-file-words">
              <span className="dm-file-name" dir="auto" title={item.name}>{item.name}</span>
              {item.size !== null && <span className="dm-file-size">{sizeOf(item.size, texts.language)}</span>}
              {item.upload?.state === "uploading" && !waits && <progress max={1} value={item.upload.progress} aria-label={item.name} />}
              {item.checking && <progress aria-label={item.name} />}
              {item.elsewhere && <div className="dm-file-size">{texts.t("sent_as", { type: item.elsewhere.label })}</div>}
            </div>
            <div className="dm-file-moves">
              {list.length > 1 && <IconButton icon="up" label={`${texts.t("move_up")}: ${item.name}`} disabled={at === 0} onClick={() => items.move(item, -1)} />}
              {list.length > 1 && <IconButton icon="down" label={`${texts.t("move_down")}: ${item.name}`} disabled={at === list.length - 1} onClick={() => items.move(item, 1)} />}
              <IconButton icon="close" label={`${texts.t("remove")}: ${item.name}`} onClick={() => items.remove(item)} />
            </div>
            {!(waits && item.upload?.lost && !item.problem) && <Problem app={app} item={item} taker={items.takerOf(item)} onRedirect={onRedirect} />}
            {!item.elsewhere && field.item?.map((one) => (
              <input key={one.name} type="text" dir="auto" className="dm-file-field" placeholder={one.label} aria-label={`${one.label}: ${item.name}`}
                maxLength={one.max} value={String(item.values[one.name] ?? "")} onChange={(event) => items.say(item, { [one.name]: event.target.value })}
              />
            ))}
          </li>
        ))}
      </ul>
      {list.length < most && (
        <label className="dm-add-files" data-dropping={dropping || undefined}>
          <Icon name="plus" /> {texts.t(dropping ? "drop_here" : "add_files")}
          <input ref={input} type="file" multiple={most > 1} accept={field.accept?.includes("*/*") ? undefined : [...(field.accept ?? []), ...also].join(",")}
            onChange={(event) => {
              onChoose([...(event.target.files ?? [])]);
              event.target.value = "";
            }}
          />
        </label>
      )}
      {said && <p className="dm-form-problem" role="alert">{said}</p>}
    </div>
  );
}

/** What a file looks like; a sheet of paper where the browser cannot show it. */
function FilePicture({ item }: { item: Item }) {
  const address = item.picture;
  const [broken, setBroken] = useState("");
  return address && address !== broken
    ? <img className="dm-file-picture" src={address} alt="" onError={() => setBroken(address)}
        onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => (item.shape = { width, height })}
      />
    : <span className="dm-file-icon" aria-hidden="true"><span className="icon icon-file" /></span>;
}

interface ProblemProps {
  app: Messenger;
  item: Item;
  taker: ComposerOf | undefined;
  onRedirect(item: Item, composer: ComposerOf): void;
}

function Problem({ app, item, taker, onRedirect }: ProblemProps) {
  const { blob, upload, problem } = item;
  if (!problem && upload?.state !== "failed") return null;
  const uploaded = !!blob || upload?.state === "done";
  return (
    <p className="dm-form-problem" role="alert">
      {problem || reasonOf(app.texts, upload!)}{" "}
      {upload?.state === "failed" && <button type="button" className="dm-link" onClick={() => upload.retry()}>{app.texts.t("retry")}</button>}
      {uploaded && taker && <button type="button" className="dm-link" onClick={() => onRedirect(item, taker)}>{app.texts.t("send_as_file")}</button>}
    </p>
  );
}
