// Reads a JSON list of diagrams from standard input, and prints what Mermaid makes of each: its participants and its
// messages and notes with their texts, or the error. Needs the packages `mermaid` and `jsdom` where NODE_PATH says.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { dirname, join } from "node:path";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!DOCTYPE html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const entry = require.resolve("mermaid");
const { default: mermaid } = await import(pathToFileURL(join(dirname(entry), "mermaid.core.mjs")));
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });

const read = async (text) => {
  try {
    await mermaid.parse(text);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    return {
      title: db.getDiagramTitle(),
      actors: [...db.getActors().values()].map((actor) => actor.description),
      messages: db.getMessages().map(({ from, to, message, type }) => ({ from, to, message, type })),
    };
  } catch (error) {
    return { error: String(error) };
  }
};
const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) found.push(await read(text));
process.stdout.write(JSON.stringify(found));
