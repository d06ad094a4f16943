// The script of the dialogs about people, loaded when one is first opened. It has its own copies of what it
// imports: what the page must have once comes by the messenger, and no class is compared here.

import * as React from "react";
import { useTopic } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";
import { AddMembers } from "./add_members";
import { BlockQuestion } from "./block";
import { Codes } from "./codes";
import { Invites } from "./invites";
import { JoinGroup } from "./join";
import { NewChat } from "./new_chat";
import { NewGroup } from "./new_group";
import { Privacy } from "./privacy";
import { Requests } from "./requests";

export { PEOPLE } from "../i18n/people_texts";

export function PeopleDialog({ app }: { app: Messenger }) {
  const which = useTopic(app.store.topics, "people", () => app.people);
  switch (which?.kind) {
    case "chat":
      return <NewChat app={app} />;
    case "group":
      return <NewGroup app={app} />;
    case "requests":
      return <Requests app={app} />;
    case "codes":
      return <Codes app={app} />;
    case "invites":
      return <Invites app={app} conversation={which.conversation} />;
    case "join":
      return <JoinGroup app={app} code={which.code} group={which.group} />;
    case "add":
      return <AddMembers app={app} conversation={which.conversation} />;
    case "privacy":
      return <Privacy app={app} />;
    case "block":
      return <BlockQuestion app={app} user={which.user} from={which.from} />;
  }
  return null;
}
