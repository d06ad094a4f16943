// The script of the page about plugins, loaded when an admin opens it. It has its own copies of what it
// imports: no class is compared here.

import * as React from "react";
import { type FormEvent, useEffect, useState } from "react";
import type { Params } from "../net/wire";
import { FieldInput } from "../parts/fields";
import { useLasting, useOnline } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";
import { type Setting, type SettingInfo, shown, taken, withField } from "./settings";

/** A half of a plugin, as `plugin.list` tells it. */
interface Half {
  plugin: string;
  group: string;
  version: string;
  status: "loaded" | "quarantined" | "disabled";
  reason: string;
}

interface Found {
  halves: Half[];
  settings: Record<string, SettingInfo[]>;
}

export { PLUGINS } from "../i18n/plugin_texts";

const STATUS = { loaded: "plugin_works", quarantined: "plugin_quarantined", disabled: "plugin_disabled" } as const;

export function PluginList({ app }: { app: Messenger }) {
  const { texts } = app;
  const online = useOnline(app);
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState("");
  const waiting = useLasting(!found && !problem);

  useEffect(() => {
    if (!online || found) return;
    Promise.all([
      app.call<{ plugins: Half[] }>("plugin.list", {}),
      app.call<{ plugins: { plugin: string; settings: SettingInfo[] }[] }>("plugin.settings", { language: texts.language }),
    ]).then(
      ([{ plugins: halves }, { plugins }]) => {
        setProblem("");
        setFound({ halves, settings: Object.fromEntries(plugins.map(({ plugin, settings }) => [plugin, settings])) });
      },
      (error: unknown) => setProblem(texts.reason(error)),
    );
  }, [online, found]);

  if (problem) return <p className="dm-form-problem" role="alert">{problem}</p>;
  if (!found) return waiting ? <div className="dm-plugins-outline" aria-hidden="true" /> : null;
  const names = [...new Set(found.halves.map(({ plugin }) => plugin))].sort();
  return (
    <>
      <p className="dm-plugins-hint">{texts.t("plugins_hint")}</p>
      {names.map((name) => (
        <section key={name} className="dm-plugin" aria-label={name}>
          <Status app={app} halves={found.halves.filter(({ plugin }) => plugin === name)} name={name} />
          {found.settings[name] && <SettingsForm app={app} plugin={name} infos={found.settings[name]} />}
        </section>
      ))}
    </>
  );
}

function Status({ app: { texts }, name, halves }: { app: Messenger; name: string; halves: Half[] }) {
  const unwell = halves.filter(({ status }) => status !== "loaded");
  const status = (unwell.find((half) => half.status === "quarantined") ?? unwell[0])?.status ?? "loaded";
  return (
    <>
      <h2>
        <span dir="auto">{name}</span> <small>{halves[0]?.version}</small>
        <span className={`dm-plugin-status dm-plugin-${status}`}>{texts.t(STATUS[status])}</span>
      </h2>
      {status === "disabled" && <p className="dm-plugin-reason">{texts.t("plugin_is_disabled", { name })}</p>}
      {unwell.filter((half) => half.status === "quarantined").map(({ group, reason }) => (
        <p key={group} className="dm-plugin-reason">
          {texts.t(group.endsWith("webui") ? "plugin_pages_quarantined" : "plugin_is_quarantined")}
          <code dir="auto">{reason}</code>
        </p>
      ))}
    </>
  );
}

function SettingsForm({ app, plugin, infos }: { app: Messenger; plugin: string; infos: SettingInfo[] }) {
  const { texts } = app;
  const settings = infos.map(withField).filter((each): each is Setting => each !== null);
  const others = infos.filter((info) => !withField(info));
  const [kept, setKept] = useState(() => Object.fromEntries(settings.map((each) => [each.name, each.value])));
  const [values, setValues] = useState(() => Object.fromEntries(settings.map((each) => [each.name, shown(each, each.value)])));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [state, setState] = useState<"" | "saving" | "saved">("");

  const changed = settings.filter((each) => JSON.stringify(taken(each, values[each.name])) !== JSON.stringify(kept[each.name]));

  const save = async (event: FormEvent) => {
    event.preventDefault();
    const empty = changed.filter(({ name, field }) => field.required && values[name] === "");
    setProblems(Object.fromEntries(empty.map(({ name }) => [name, texts.t("error_required")])));
    if (empty.length || !changed.length || state === "saving") return;
    setState("saving");
    try {
      const wanted = Object.fromEntries(changed.map((each) => [each.name, taken(each, values[each.name])]));
      const answer = await app.call<{ settings: SettingInfo[] }>("plugin.change_settings", { plugin, values: wanted });
      const now = Object.fromEntries(answer.settings.map(({ name, value }) => [name, value]));
      setKept(now);
      setValues(Object.fromEntries(settings.map((each) => [each.name, shown(each, now[each.name])])));
      setState("saved");
    } catch (error) {
      setState("");
      // A refusal has them.
      const { params = {} } = error as { params?: Params };
      const name = String(params["field"] ?? "");
      const at = settings.some((each) => each.name === name) ? name : "";
      const reason = params["reason"];
      setProblems({ [at]: at && typeof reason === "string" ? reason : texts.reason(error) });
    }
  };

  return (
    <form className="dm-plugin-settings" noValidate onSubmit={(event) => void save(event)}>
      {settings.map((each) => (
        <FieldInput key={each.name} app={app} scope={`${plugin}-`} field={each.field} help={each.help} value={values[each.name]}
          problem={problems[each.name]}
          onChange={(value) => {
            setValues({ ...values, [each.name]: value });
            setState("");
            if (problems[each.name]) setProblems({ ...problems, [each.name]: "" });
          }}
        />
      ))}
      {others.map((info) => (
        <div key={info.name} className="dm-field">
          <span className="dm-field-name">{info.label}</span>
          <code dir="auto">{JSON.stringify(info.value)}</code>
          <p className="dm-field-help">{texts.t("setting_elsewhere")}</p>
        </div>
      ))}
      {problems[""] && <p className="dm-form-problem" role="alert">{problems[""]}</p>}
      {settings.length > 0 && (
        <footer>
          <button type="submit" className="dm-button" disabled={!changed.length || state === "saving"}>{texts.t("save")}</button>
          <span role="status">{state === "saved" ? texts.t("saved") : ""}</span>
        </footer>
      )}
    </form>
  );
}
