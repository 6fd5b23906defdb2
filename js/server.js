// @ts-check
// Questions to the pack's own routes: an answer, or an error with a text to show.

import { api } from "../../../scripts/api.js";

const GONE = "ComfyUI's server does not answer. Is it still running?";

/** @param {string} path @param {unknown} asked @returns {Promise<any>} @throws {Error} with a text for the person */
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

/** @param {string} text @returns {any} an object, or nothing for anything else */
function read(text) {
  try {
    const told = JSON.parse(text);
    return typeof told === "object" ? told : null;
  } catch {
    return null;
  }
}
