// @ts-check
// The front end lists the templates of a pack as the server's disk gives their files, which is in no order. Their names
// begin with numbers; here they are put in that order.

import { api } from "../../../scripts/api.js";

/** The folder of this pack, by which the server names its templates. */
const FOLDER = decodeURIComponent(new URL(".", import.meta.url).pathname.split("/").at(-2) ?? "");

/** Sorts the templates of this pack, and no others, whenever the front end asks for them. */
export function orderTemplates() {
  const list = api.getWorkflowTemplates?.bind(api);
  if (!list) return;
  api.getWorkflowTemplates = async () => {
    const templates = await list();
    templates[FOLDER]?.sort();
    return templates;
  };
}
