// A group's invitation links: made, listed, revoked; and who asks to join by them, answered.

import * as React from "react";
import { useEffect, useState } from "react";
import type { InviteInfo, InvitesFound, JoinRequest, JoinRequestsFound, Users } from "../net/wire";
import { useOnline, useTopic } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";
import { Code, Made, NewCode } from "./code_parts";
import { Dialog, useDoing } from "./dialog";
import { RequestRow } from "./requests";

export function Invites({ app, conversation }: { app: Messenger; conversation: string }) {
  const { store, texts } = app;
  const [invites, setInvites] = useState<readonly InviteInfo[] | null>(null);
  const [makers, setMakers] = useState<Users>({});
  const [more, setMore] = useState(false);
  const [made, setMade] = useState("");
  const { busy, failed, act } = useDoing(app);
  const online = useOnline(app);
  const read = async (after?: string) => {
    const page = await app.call<InvitesFound>("conversation.invite_list", { conversation, ...(after && { after }) });
    setInvites((known) => [...((after && known) || []), ...page.invites]);
    setMakers((known) => ({ ...known, ...page.users }));
    setMore(page.more);
  };
  useEffect(() => void (online && !invites && act(() => read())), [online]);
  const revoke = (id: string) => act(async () => {
    await app.call("conversation.invite_revoke", { conversation, id });
    setInvites((known) => known?.filter((invite) => invite.id !== id) ?? null);
  });
  const show = (link: string) => {
    setMade(link);
    return read();
  };
  const about = ({ approval, made_by }: InviteInfo) => {
    const by = made_by !== store.me.id && makers[made_by]?.display_name;
    return [...(approval ? [texts.t("invite_asks")] : []), ...(by ? [texts.t("invite_by", { name: by })] : [])];
  };
  return (
    <Dialog app={app} title={texts.t("invites")}>
      <div className="dm-people-rows">
        <JoinRequests app={app} conversation={conversation} />
        {made ? (
          <Made app={app} link={made} onDone={() => setMade("")} />
        ) : (
          <NewCode app={app} command="conversation.invite_create" about={{ conversation }} what="invites_what" labelHint="invite_label_hint" approves
            busy={busy} act={act} onMade={show}
          />
        )}
        {invites && invites.length > 0 && (
          <section aria-labelledby="dm-people-invites">
            <h3 id="dm-people-invites">{texts.t("invites_made")}</h3>
            <ul>
              {invites.map((invite) => (
                <Code key={invite.id} app={app} code={invite} over={!invite.works} about={about(invite)} hint="invite_revoke_hint" busy={busy}
                  onRevoke={() => void revoke(invite.id)}
                />
              ))}
            </ul>
            {more && (
              <button type="button" className="dm-link" disabled={busy} onClick={() => void act(() => read(invites.at(-1)?.id))}>{texts.t("more_people")}</button>
            )}
          </section>
        )}
      </div>
      {failed && (
        <p className="dm-form-problem" role="alert">
          {failed} {store.online && !invites && <button type="button" className="dm-link" onClick={() => void act(() => read())}>{texts.t("retry")}</button>}
        </p>
      )}
    </Dialog>
  );
}

/** Who asks to join, as long as there is somebody; read again as others ask or are answered. */
function JoinRequests({ app, conversation }: { app: Messenger; conversation: string }) {
  const { store, texts } = app;
  const [requests, setRequests] = useState<readonly JoinRequest[]>([]);
  const [more, setMore] = useState(false);
  const { busy, failed, act } = useDoing(app);
  const online = useOnline(app);
  const changes = useTopic(store.topics, "joins", () => store.joins);
  const read = async (after?: string) => {
    const page = await app.call<JoinRequestsFound>("conversation.join_requests", { conversation, ...(after && { after }) });
    store.learnUsers(Object.fromEntries(page.requests.map(({ user }) => [user.id, user])));
    setRequests((known) => [...(after ? known : []), ...page.requests]);
    setMore(page.more);
  };
  useEffect(() => void (online && act(() => read())), [online, changes]);
  // What was pressed goes with its request: the next key still belongs to the dialog.
  useEffect(() => {
    if (document.activeElement === document.body) document.querySelector<HTMLElement>("dialog.dm-people")?.focus();
  }, [requests]);
  const answer = (user: string, accept: boolean) => act(async () => {
    try {
      await app.call("conversation.join_answer", { conversation, user, accept });
    } catch (error) {
      // Somebody else has answered. No class is compared here: this script has its own copy of it.
      if ((error as { key?: string }).key !== "not_found") throw error;
    }
    setRequests((known) => known.filter((request) => request.user.id !== user));
  });
  if (!requests.length && !failed) return null;
  return (
    <section className="dm-people-asking" aria-labelledby="dm-people-asking">
      <h3 id="dm-people-asking">{texts.t("join_requests")}</h3>
      {requests.length > 0 && <p className="dm-people-hint">{texts.t("requests_hint")}</p>}
      <ul>
        {requests.map(({ user, at_ms }) => (
          <RequestRow key={user.id} app={app} user={user.id} sinceMs={at_ms}>
            <button type="button" className="dm-button" disabled={busy} onClick={() => void answer(user.id, true)}>{texts.t("contact_accept")}</button>
            <button type="button" className="dm-button dm-button-quiet" disabled={busy} onClick={() => void answer(user.id, false)}>{texts.t("contact_decline")}</button>
          </RequestRow>
        ))}
      </ul>
      {more && (
        <button type="button" className="dm-link" disabled={busy} onClick={() => void act(() => read(requests.at(-1)?.user.id))}>{texts.t("more_people")}</button>
      )}
      {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
    </section>
  );
}
