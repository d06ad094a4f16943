import * as React from "react";
import { type ComponentType, type ReactElement, useEffect, useState } from "react";
import type { Catalogue } from "../i18n/texts";
import { useOnline } from "../parts/hooks";
import { type Messenger, useMessenger } from "../parts/messenger";

/** What plugins there are, how they fare, and their settings: for admins. */
export interface PluginsProps {
  /** The component's id. */
  id?: string;
  /** The address of the script that draws them. */
  script?: string;
  setProps?(props: Partial<PluginsProps>): void;
}

/** What `plugin_list.tsx` exports. */
interface PluginScript {
  PluginList: ComponentType<{ app: Messenger }>;
  /** Its words. */
  PLUGINS: Catalogue;
}

export function Plugins({ script = "" }: PluginsProps): ReactElement | null {
  const app = useMessenger();
  return app && <Loaded app={app} address={script} />;
}

function Loaded({ app, address }: { app: Messenger; address: string }) {
  const online = useOnline(app);
  const [script, setScript] = useState<PluginScript | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (script || !online) return;
    (import(address) as Promise<PluginScript>).then(
      (loaded) => {
        app.texts.learn(loaded.PLUGINS);
        setScript(loaded);
      },
      () => setFailed(true),
    );
  }, [online]);
  if (script) return <script.PluginList app={app} />;
  return failed ? <p className="dm-form-problem" role="alert">{app.texts.t("error_no_connection")}</p> : null;
}
