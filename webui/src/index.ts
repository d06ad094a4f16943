// What the bundle gives to Dash: the components, under the namespace their Python classes name.

import { Avatar } from "./Avatar";
import { Composer } from "./Composer";
import { Connection } from "./Connection";
import { ConversationList, restoreListWidth } from "./ConversationList";
import { enhanceForms } from "./forms";
import { Markup } from "./Markup";
import { Plugins } from "./Plugins";
import { Portrait } from "./Portrait";
import { Timeline } from "./Timeline";
import { Uploads } from "./Uploads";

restoreListWidth();
enhanceForms();
Object.assign(window, {
  dash_messenger_webui: { Avatar, Composer, Connection, ConversationList, Markup, Plugins, Portrait, Timeline, Uploads },
});
