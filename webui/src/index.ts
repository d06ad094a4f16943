// What the bundle gives to Dash: the components, under the namespace their Python classes name.

import { Avatar } from "./parts/Avatar";
import { Composer } from "./composer/Composer";
import { Connection } from "./parts/Connection";
import { ConversationList, restoreListWidth } from "./list/ConversationList";
import { Markup } from "./parts/Markup";
import { Panel } from "./pages/Panel";
import { Plugins } from "./pages/Plugins";
import { Portrait } from "./pages/Portrait";
import { STARTED } from "./parts/messenger";
import { enableBehaviours } from "./timeline/behaviours";
import { fillBodies } from "./timeline/filling";
import { Timeline } from "./timeline/Timeline";
import { Uploads } from "./pages/Uploads";

restoreListWidth();
addEventListener(STARTED, () => {
  enableBehaviours(window.dashMessenger!);
  fillBodies(window.dashMessenger!);
});
Object.assign(window, {
  dash_messenger_webui: { Avatar, Composer, Connection, ConversationList, Markup, Panel, Plugins, Portrait, Timeline, Uploads },
});
