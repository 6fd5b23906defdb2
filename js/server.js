// @ts-check
// The server: questions to the pack's own routes, which are answered or end in an error with a text to show, and the
// addresses of files.

import { api } from "../../../scripts/api.js";

/** @typedef {{filename: string, subfolder?: string, type?: string}} SavedFile as the server names the files it saves */

const GONE = "ComfyUI's server does not answer. Is it still running?";

/** @param {SavedFile} file @returns {string} */
export const urlOf = ({ filename, subfolder = "", type = "temp" }) => address("/view", { filename, subfolder, type });

/** Where a saved page can be looked at; the host's own address of it only downloads it.
 * @param {SavedFile} page @returns {string} */
export const pageUrlOf = ({ filename, subfolder = "" }) => address("/zoomstack/page", { filename, subfolder });

/** @param {string} path @param {Record<string, string>} query */
const address = (path, query) => api.apiURL(`${path}?${new URLSearchParams(query)}`);

/** @param {string} path @param {unknown} asked @returns {Promise<object>} @throws {Error} with a text for the person */
export async function ask(path, asked) {
  let answer, text;
  try {
    const headers = { "Content-Type": "application/json" };
    answer = await api.fetchApi(path, { method: "POST", headers, body: JSON.stringify(asked) });
    text = await answer.text();
  } catch (cause) {
    throw new Error(GONE, { cause }); // no connection, or one that broke off
  }
  const told = read(text);
  if (answer.ok && told) return told;
  throw new Error(told?.error ?? `The server's answer cannot be read (status ${answer.status}). Its log may say more.`);
}

/** The object in a text of JSON; null for anything else.
 * @param {string} text @returns {{error?: string} | null} */
function read(text) {
  try {
    const told = JSON.parse(text);
    return typeof told === "object" ? told : null;
  } catch {
    return null;
  }
}
