import * as React from "react";
import type { ReactElement } from "react";
import type { User } from "../net/wire";
import type { Catalogue } from "../i18n/texts";
import { Banner } from "./Banner";
import { useMessenger } from "./messenger";

/** Starts the messenger on a page that shows no chats, and says when there is no connection. */
export interface ConnectionProps {
  /** The component's id. */
  id?: string;
  /** Who is signed in. */
  me?: User;
  /** The language of the page, such as `en`. */
  language?: string;
  /** The words in that language, by the keys of texts.json. */
  texts?: Catalogue;
  setProps?(props: Partial<ConnectionProps>): void;
}

export function Connection(props: ConnectionProps): ReactElement | null {
  const app = useMessenger(props);
  return app && <Banner app={app} />;
}
