// The dialogs about people: their script and its style sheet are loaded when one is first opened.

import * as React from "react";
import { type ComponentType, useEffect, useState } from "react";
import { useTopic } from "./hooks";
import type { Catalogue } from "../i18n/texts";
import type { Messenger } from "./messenger";

/** What `people/script.tsx` exports. */
export interface PeopleScript {
  PeopleDialog: ComponentType<{ app: Messenger }>;
  /** Their words. */
  PEOPLE: Catalogue;
}

export function AboutPeople({ app }: { app: Messenger }) {
  const { store, texts } = app;
  const wanted = useTopic(store.topics, "people", () => app.people !== null);
  const [script, setScript] = useState<PeopleScript | null>(null);
  useEffect(() => {
    if (!wanted || script) return;
    let left = false;
    const [address = "", sheet = ""] = app.peopleFiles;
    Promise.all([import(address) as Promise<PeopleScript>, loadSheet(sheet)]).then(
      ([loaded]) => {
        texts.learn(loaded.PEOPLE);
        if (!left) setScript(loaded);
      },
      () => {
        if (left) return;
        app.showPeople(null);
        app.refuse(texts.t("error_no_connection"));
      },
    );
    return () => {
      left = true;
    };
  }, [wanted]);
  return wanted && script ? <script.PeopleDialog app={app} /> : null;
}

/** Add a style sheet to the page; resolves when it is in force. */
function loadSheet(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error(address));
    };
    document.head.append(link);
  });
}
