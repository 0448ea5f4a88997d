// Makes pages that work without scripts livelier: clocks tick, lists renew themselves, unsaved forms are guarded.
import { startClocks } from "./clocks.js";
import { startRefresh } from "./refresh.js";
import { guardForms } from "./forms.js";

startClocks(document);
startRefresh(document);
guardForms(document);
