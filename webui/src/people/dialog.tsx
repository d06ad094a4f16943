// What all dialogs about people are: a heading, what belongs in it, and one closes it.

import * as React from "react";
import { type ReactNode, useCallback, useLayoutEffect, useRef, useState } from "react";
import { useLayer } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { isPhone } from "../state/route";

interface DialogProps {
  app: Messenger;
  title: string;
  /** Leads to where one came from; without it there is no such button. */
  onBack?(): void;
  /** As high as what is in it, where nothing in it changes. */
  small?: boolean;
  children: ReactNode;
}

export function Dialog({ app, title, onBack, small, children }: DialogProps) {
  const { texts } = app;
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => {
    // While what has the focus is still in it: the browser gives it back.
    dialog.current?.close();
    app.showPeople(null);
  };
  useLayer(app, close);
  useLayoutEffect(() => {
    const shown = dialog.current!;
    shown.showModal();
    // A phone's keyboard would cover who can be chosen.
    if (isPhone()) shown.focus();
    else shown.querySelector("input")?.focus();
    app.setDialog(shown);
    return () => {
      shown.close();
      app.setDialog(null);
    };
  }, []);
  return (
    <dialog ref={dialog} className="dm-people" data-small={small || undefined} aria-labelledby="dm-people-title" tabIndex={-1}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div>
        <header>
          {onBack && <IconButton icon="back" label={texts.t("back")} onClick={onBack} />}
          <h2 id="dm-people-title">{title}</h2>
          <IconButton icon="close" label={texts.t("close")} onClick={close} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

export interface Doing {
  busy: boolean;
  /** Why the last thing was not done. */
  failed: string;
  /** Do something; what fails is said in `failed`. Resolves to whether it was done. */
  act(work: () => Promise<unknown>): Promise<boolean>;
}

/** Does one thing after another, and says why one was not done. */
export function useDoing({ store, texts }: Messenger): Doing {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState("");
  const act = useCallback(async (work: () => Promise<unknown>) => {
    setBusy(true);
    setFailed("");
    try {
      await work();
      return true;
    } catch (error) {
      setFailed(store.online ? texts.reason(error) : texts.t("error_no_connection"));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, failed, act };
}
