import * as React from "react";
import { type ReactElement, useEffect, useReducer, useRef, useState } from "react";
import { Lane, Upload } from "../net/upload";
import { type Conversation, NoAnswer, type User } from "../net/wire";
import { reasonOf, sizeOf } from "../i18n/uploads";
import { Avatar } from "../parts/Avatar";
import { BlockButton } from "../parts/block";
import { useConversation, usePortraits, useUsers } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import { type Messenger, useMessenger } from "../parts/messenger";

// What the server takes for a photo of somebody.
const MAX_BYTES = 30_000_000;
const MAKE_WITHIN_MS = 40_000;

/** Who or which group it is: photo, name, and the buttons that change the photo. */
export interface PortraitProps {
  /** The component's id. */
  id?: string;
  /** The person, as the server tells of them. */
  user?: User;
  /** Or the id of the group. */
  conversation?: string;
  /** What stands below the name. */
  below?: string;
  /** Whether the reader may change the photo, where the server takes any. */
  editable?: boolean;
  /** The media types that may be chosen for it; a list. */
  accept?: string[];
}

export function Portrait(props: PortraitProps): ReactElement | null {
  const app = useMessenger();
  return app ? <Shown {...props} app={app} /> : null;
}

function Shown({ app, user, conversation = "", below, editable, accept = [] }: PortraitProps & { app: Messenger }) {
  const { store } = app;
  const known = useUsers(app)[user?.id ?? ""] ?? user;
  const group = useConversation(app, conversation);
  const possible = usePortraits(app);
  // Of others it is fresh; of oneself the page may be older than what was changed since.
  useEffect(() => {
    if (user && user.id !== store.me.id) store.learnUsers({ [user.id]: user });
  }, [user]);
  const name = (user ? known?.display_name : group?.title) ?? "";
  const photo = (user ? known?.photo : group?.photo) ?? null;

  const change = async (blob: string | null) => {
    if (user) {
      const account = await app.call<{ user: User }>("account.update", { photo: blob }, MAKE_WITHIN_MS);
      store.setMe(account.user);
    } else {
      const params = { conversation, photo: blob };
      const found = await app.call<{ conversation: Conversation }>("conversation.update", params, MAKE_WITHIN_MS);
      store.changeConversation(conversation, { photo: found.conversation.photo });
    }
  };
  const shown = (
    <div className="dm-portrait">
      <Avatar of={user?.id ?? conversation} name={name} photo={photo} size={editable ? 72 : 56} />
      <div className="dm-portrait-words">
        <div className="dm-portrait-name" dir="auto">{name}</div>
        <div className="dm-portrait-below">{below}</div>
      </div>
      {editable && (photo || possible) && <Change app={app} photo={photo} possible={possible} accept={accept} change={change} />}
    </div>
  );
  return user && user.id !== store.me.id ? <>{shown}<BlockButton app={app} id={user.id} /></> : shown;
}

interface ChangeProps {
  app: Messenger;
  photo: string | null;
  /** Whether there can be another one. */
  possible: boolean;
  accept: string[];
  change(blob: string | null): Promise<void>;
}

function Change({ app, photo, possible, accept, change }: ChangeProps) {
  const { texts } = app;
  const input = useRef<HTMLInputElement>(null);
  const lane = useRef(new Lane());
  const upload = useRef<Upload | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => () => upload.current?.cancel(), []);

  const attempt = async (blob: string | null) => {
    setBusy(true);
    setProblem("");
    try {
      await change(blob);
    } catch (error) {
      setProblem(error instanceof NoAnswer ? texts.t("error_no_connection") : texts.reason(error));
    } finally {
      setBusy(false);
    }
  };
  const choose = (file: File) => {
    upload.current = null;
    if (file.size > MAX_BYTES) {
      setProblem(texts.t("file_too_large", { size: sizeOf(MAX_BYTES, texts.language) }));
      return;
    }
    setProblem("");
    const sent: Upload = new Upload(file, lane.current, () => {
      draw();
      if (sent.state === "failed") setProblem(reasonOf(texts, sent));
      if (sent.state !== "uploading") upload.current = null;
      if (sent.blob) void attempt(sent.blob.id);
    });
    upload.current = sent;
    draw();
  };
  const waiting = busy || upload.current !== null;
  return (
    <div className="dm-portrait-change">
      <div className="dm-portrait-buttons" aria-busy={waiting}>
        {possible && (
          <button type="button" className="button" disabled={waiting} onClick={() => input.current?.click()}>
            {texts.t(photo ? "change_photo" : "add_photo")}
          </button>
        )}
        {photo && (
          <IconButton icon="trash" label={texts.t("remove_photo")} disabled={waiting} onClick={() => void attempt(null)} />
        )}
      </div>
      <input ref={input} type="file" accept={accept.join(",")} hidden aria-label={texts.t("add_photo")}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) choose(file);
        }}
      />
      {waiting && <progress max={1} {...(upload.current ? { value: upload.current.progress } : {})} aria-label={texts.t("photo_coming")} />}
      {problem && <p className="form-error" role="alert">{problem}</p>}
    </div>
  );
}
