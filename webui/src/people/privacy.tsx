// Who may find the reader, write to them first, add them to groups and see what: each setting on a page of its
// own, with the people for whom it is otherwise; and whom the reader has blocked. What nothing asks about yet
// is not here.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { Exceptions, ExceptionsFound, ExceptionsNow, Privacy as Settings, PrivacyNow, User } from "../net/wire";
import { Avatar } from "../parts/Avatar";
import { useLasting, useLayer, useOnline, useTopic, useUsers } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Dialog, useDoing } from "./dialog";
import { Picker } from "./picker";

const SETTINGS = ["find", "message", "requests", "add", "photo", "last_seen", "receipts", "typing"] as const;
const AUDIENCES = ["everybody", "known", "contacts", "nobody"] as const;
const NAMED = 2;
/** How many of them are about finding and writing. */
const REACH = 4;

type Setting = (typeof SETTINGS)[number];
type Exempt = "allow" | "deny";
type Page = { kind: "all" | "blocked" } | { kind: "setting"; setting: Setting } | { kind: "choose"; setting: Setting; exempt: Exempt };

const ALL: Page = { kind: "all" };

export function Privacy({ app }: { app: Messenger }) {
  const { texts } = app;
  const [page, setPage] = useState<Page>(ALL);
  const own = useOwn(app);
  const back = () => setPage(page.kind === "choose" ? { kind: "setting", setting: page.setting } : ALL);
  useLayer(app, page.kind === "all" ? null : back);
  useLayer(app, page.kind === "choose" ? back : null);
  const body = useFocus(page);
  const title =
    page.kind === "setting" ? texts.t(`privacy_${page.setting}`) : page.kind === "choose" ? texts.t(`privacy_${page.exempt}`) : texts.t(page.kind === "blocked" ? "privacy_blocked" : "privacy");
  return (
    <Dialog app={app} title={title} {...(page.kind !== "all" && { onBack: back })}>
      <div ref={body} className="dm-people-page">
        {page.kind === "blocked" ? (
          <Blocked app={app} />
        ) : !own.settings ? (
          <Waiting app={app} own={own} />
        ) : page.kind === "setting" ? (
          <OneSetting app={app} own={own} setting={page.setting} onChoose={(exempt) => setPage({ ...page, kind: "choose", exempt })} />
        ) : page.kind === "choose" ? (
          <Choose app={app} own={own} page={page} onDone={back} />
        ) : (
          <All app={app} own={own} onOpen={setPage} />
        )}
      </div>
    </Dialog>
  );
}

/** The reader's settings and exceptions, as far as they are known, and how they are changed. */
interface Own {
  settings: Settings | null;
  exceptions: readonly Exceptions[];
  failed: string;
  busy: boolean;
  read(): void;
  set(setting: Setting, audience: string): void;
  except(user: string, setting: Setting, exempt: Exempt | null): Promise<boolean>;
}

function useOwn(app: Messenger): Own {
  const { store } = app;
  const [settings, setSettings] = useState<Settings | null>(null);
  const [exceptions, setExceptions] = useState<readonly Exceptions[]>([]);
  const { busy, failed, act } = useDoing(app);
  const online = useOnline(app);
  // As new as this event of the reader's log: what comes late is older.
  const seq = useRef(0);
  const take = (now: PrivacyNow) => {
    if (now.seq < seq.current) return;
    seq.current = now.seq;
    setSettings(now.privacy);
  };
  const read = () => act(async () => {
    take(await app.call<PrivacyNow>("privacy.get", {}));
    const all: Exceptions[] = [];
    for (let after: string | undefined; ; ) {
      const page = await app.call<ExceptionsFound>("privacy.exceptions", after ? { after } : {});
      store.learnUsers(page.users);
      all.push(...page.exceptions);
      after = page.exceptions.at(-1)?.user;
      if (!page.more || !after) break;
    }
    setExceptions(all);
    // They are counted on the first page.
    await app.blocks.learn();
  });
  useEffect(() => {
    if (online) void read();
    // What is changed elsewhere is in the reader's log.
    return store.topics.subscribe("privacy", () => void (store.online && read()));
  }, [online]);
  return {
    settings, exceptions, failed, busy,
    read: () => void read(),
    set(setting, audience) {
      const before = settings;
      setSettings({ ...settings, [setting]: audience } as Settings);
      void act(async () => take(await app.call<PrivacyNow>("privacy.update", { [setting]: audience }))).then((done) => done || setSettings(before));
    },
    except: (user, setting, exempt) => act(async () => {
      const now = await app.call<ExceptionsNow>("privacy.except", { user, [setting]: exempt });
      store.learnUsers({ [now.user.id]: now.user });
      setExceptions((known) => [...known.filter((one) => one.user !== user), ...(now.exceptions ? [now.exceptions] : [])]);
    }),
  };
}

/** Gives the focus to the row that led to a page when one comes back from it, else to the dialog. */
function useFocus(page: Page): React.RefObject<HTMLDivElement> {
  const body = useRef<HTMLDivElement>(null);
  const from = useRef<Page>(page);
  useEffect(() => {
    if (from.current === page) return;
    const { kind } = from.current;
    const left = from.current.kind === "setting" ? from.current.setting : from.current.kind === "choose" ? from.current.exempt : kind;
    from.current = page;
    const field = page.kind === "choose" ? body.current?.querySelector<HTMLElement>("input") : null;
    (field ?? body.current?.querySelector<HTMLElement>(`[data-to="${left}"]`) ?? body.current?.closest("dialog"))?.focus();
  }, [page]);
  return body;
}

function Waiting({ app, own }: { app: Messenger; own: Own }) {
  const waiting = useLasting(!own.failed);
  if (own.failed) {
    return (
      <div className="dm-notice">
        <p role="alert">{own.failed}</p>
        <button type="button" className="dm-button" onClick={own.read}>{app.texts.t("retry")}</button>
      </div>
    );
  }
  return waiting ? <div className="dm-list-skeleton" aria-hidden="true">{SETTINGS.map((one) => <i key={one} />)}</div> : null;
}

function All({ app, own, onOpen }: { app: Messenger; own: Own; onOpen(page: Page): void }) {
  const { blocks, store, texts } = app;
  const blocked = useTopic(store.topics, "blocks", () => blocks.listed().length);
  const row = (setting: Setting) => (
    <li key={setting}>
      <button type="button" className="dm-people-row" data-to={setting} onClick={() => onOpen({ kind: "setting", setting })}>
        <span>
          <span>{texts.t(`privacy_${setting}`)}</span>
          <small>{texts.t(`audience_${own.settings![setting]}`)}</small>
          <Named app={app} own={own} setting={setting} exempt="allow" />
          <Named app={app} own={own} setting={setting} exempt="deny" />
        </span>
        <Icon name="right" />
      </button>
    </li>
  );
  return (
    <div className="dm-people-rows">
      <h3>{texts.t("privacy_reach")}</h3>
      <ul>{SETTINGS.slice(0, REACH).map(row)}</ul>
      <h3>{texts.t("privacy_see")}</h3>
      <ul>{SETTINGS.slice(REACH).map(row)}</ul>
      <h3>{texts.t("privacy_blocked")}</h3>
      <ul>
        <li>
          <button type="button" className="dm-people-row" data-to="blocked" onClick={() => onOpen({ kind: "blocked" })}>
            <Icon name="block" />
            <span>{blocked ? texts.t("privacy_blocked_count", { n: blocked }) : texts.t("audience_nobody")}</span>
            <Icon name="right" />
          </button>
        </li>
      </ul>
      {own.failed && <p className="dm-form-problem" role="alert">{own.failed}</p>}
    </div>
  );
}

const excepted = (own: Own, setting: Setting, exempt: Exempt) => own.exceptions.filter((one) => one[setting] === exempt).map(({ user }) => user);

/** Who is an exception of a setting, in one line. */
function Named({ app, own, setting, exempt }: { app: Messenger; own: Own; setting: Setting; exempt: Exempt }) {
  const { texts } = app;
  const users = useUsers(app);
  const those = excepted(own, setting, exempt);
  if (!those.length) return null;
  const names = those.slice(0, NAMED).map((id) => users[id]?.display_name ?? texts.t("somebody"));
  if (those.length > NAMED) names.push(texts.t("others", { n: those.length - NAMED }));
  return <small className="dm-people-except">{texts.t(`privacy_${exempt}_who`, { names: new Intl.ListFormat(texts.language).format(names) })}</small>;
}

interface OneSettingProps {
  app: Messenger;
  own: Own;
  setting: Setting;
  onChoose(exempt: Exempt): void;
}

function OneSetting({ app, own, setting, onChoose }: OneSettingProps) {
  const { texts } = app;
  return (
    <div className="dm-people-rows">
      <fieldset className="dm-people-audience" aria-busy={own.busy}>
        <legend className="dm-hidden">{texts.t(`privacy_${setting}`)}</legend>
        {AUDIENCES.map((audience) => (
          <label key={audience} className="dm-people-row">
            <input type="radio" name="audience" value={audience} checked={own.settings![setting] === audience} onChange={() => own.set(setting, audience)} />
            <span>{texts.t(`audience_${audience}`)}</span>
          </label>
        ))}
      </fieldset>
      <p className="dm-people-hint">{texts.t(`privacy_${setting}_what`)}</p>
      {(["allow", "deny"] as const).map((exempt) => (
        <section key={exempt} aria-labelledby={`dm-people-${exempt}`}>
          <h3 id={`dm-people-${exempt}`}>{texts.t(`privacy_${exempt}`)}</h3>
          <ul>
            {excepted(own, setting, exempt).map((id) => (
              <Person key={id} app={app} id={id}>
                {(name) => (
                  <IconButton icon="close" label={texts.t("privacy_except_remove", { name })} disabled={own.busy}
                    onClick={(event) => {
                      const list = event.currentTarget.closest("section");
                      void own.except(id, setting, null).then((done) => done && list?.querySelector<HTMLElement>("[data-to]")?.focus());
                    }}
                  />
                )}
              </Person>
            ))}
          </ul>
          <button type="button" className="dm-people-row dm-people-way" data-to={exempt} onClick={() => onChoose(exempt)}>
            <Icon name="plus" />
            <span>{texts.t("privacy_except_add")}</span>
          </button>
        </section>
      ))}
      {own.failed && <p className="dm-form-problem" role="alert">{own.failed}</p>}
    </div>
  );
}

interface ChooseProps {
  app: Messenger;
  own: Own;
  page: { setting: Setting; exempt: Exempt };
  onDone(): void;
}

/** Who becomes an exception. */
function Choose({ app, own, page: { setting, exempt }, onDone }: ChooseProps) {
  const { texts } = app;
  const taken = { ids: new Set(excepted(own, setting, exempt)), words: texts.t("privacy_except_is") };
  const choose = (user: User) => void own.except(user.id, setting, exempt).then((done) => done && onDone());
  return (
    <>
      <Picker app={app} busy={own.busy} taken={taken} onChoose={choose} />
      {own.failed && <p className="dm-form-problem" role="alert">{own.failed}</p>}
    </>
  );
}

function Blocked({ app }: { app: Messenger }) {
  const { blocks, store, texts } = app;
  const those = useTopic(store.topics, "blocks", () => blocks.listed());
  const complete = useTopic(store.topics, "blocks", () => blocks.complete);
  const unread = useTopic(store.topics, "blocks", () => blocks.failed);
  const online = useOnline(app);
  const { busy, failed, act } = useDoing(app);
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => void (online && blocks.learn()), [online]);
  // What was pressed goes with its row: the next key still belongs to the dialog.
  useEffect(() => {
    if (document.activeElement === document.body) body.current?.closest("dialog")?.focus();
  }, [those]);
  return (
    <div ref={body} className="dm-people-rows">
      <p className="dm-people-hint">{texts.t("block_what")}</p>
      <ul>
        {those.map((id) => (
          <Person key={id} app={app} id={id}>
            {(name) => (
              <button type="button" className="dm-link" aria-label={texts.t("unblock_whom", { name })} disabled={busy} onClick={() => void act(() => blocks.ask("unblock", id))}>
                {texts.t("unblock")}
              </button>
            )}
          </Person>
        ))}
      </ul>
      {complete && !those.length && <div className="dm-notice"><p>{texts.t("blocked_none")}</p></div>}
      {(failed || !!unread) && <p className="dm-form-problem" role="alert">{failed || texts.reason(unread)}</p>}
    </div>
  );
}

/** Somebody, whose card is shown when they are pressed, and what can be done about them. */
function Person({ app, id, children }: { app: Messenger; id: string; children(name: string): React.ReactNode }) {
  const user = useUsers(app)[id];
  useEffect(() => void (user || app.directory.learn(id)), [id]);
  const name = user?.display_name ?? app.texts.t("somebody");
  return (
    <li>
      <button type="button" className="dm-people-row" aria-label={app.texts.t("profile", { name })} onClick={() => app.showPerson(id)}>
        <Avatar of={id} name={name} photo={user?.photo ?? null} size={40} />
        <span>
          <bdi>{name}</bdi>
          {user && <small>@{user.username}</small>}
        </span>
      </button>
      {children(name)}
    </li>
  );
}
