// What the bundle gives to Dash: the components, under the namespace their Python classes name.

import { Composer } from "./Composer";
import { ConversationList, restoreListWidth } from "./ConversationList";
import { enhanceForms } from "./forms";
import { Timeline } from "./Timeline";
import { Uploads } from "./Uploads";

restoreListWidth();
enhanceForms();
Object.assign(window, { dash_messenger_webui: { Composer, ConversationList, Timeline, Uploads } });
