// The words of the page about plugins: like ENGLISH in texts.ts, but in their script, which
// learns them when it is loaded.

import type { Catalogue } from "./texts";

export const PLUGINS = {
  plugins_hint: "Plugins are installed on the server, by “dash-messenger install”. Their settings are here.",
  plugin_works: "Works",
  plugin_quarantined: "Quarantined",
  plugin_disabled: "Switched off",
  plugin_is_quarantined: "It was quarantined because it failed; everything else goes on without it. The server says:",
  plugin_pages_quarantined: "Its messages are shown as plain text, because the part that draws them failed. The server says:",
  plugin_is_disabled: "Somebody switched it off on the server. “dash-messenger plugins enable {name}” switches it on at the next start.",
  setting_elsewhere: "This can be changed by the command plugin.change_settings only.",
} satisfies Catalogue;
