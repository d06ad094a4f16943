// The script of the pages that need no session: their forms, and what a log-in asks for besides.

import { enhanceForms } from "./forms";

enhanceForms();
