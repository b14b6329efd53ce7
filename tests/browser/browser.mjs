// Debian's Chromium for tests of pages, driven by playwright-core from web/node_modules.
import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { numberShown } from "./numbered_images.mjs";

const kNames = ["chromium", "chromium-browser", "google-chrome"];

/** Ends the program where there is no browser, with the line by which ctest knows that it was skipped. */
export function browserOrSkip() {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of kNames) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  }
  console.log("skipped: no Chromium here (Debian: apt-get install chromium)");
  process.exit(0);
}

export async function launch(path) {
  const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // Chromium's sandbox refuses root.
  // WebGL on machines without a graphics card, which Chromium offers no longer by itself.
  return chromium.launch({ executablePath: path, args: [...asRoot, "--enable-unsafe-swiftshader"] });
}

/**
 * Opens a page that may fetch from `origin` alone ("file://" for pages on disk). What goes wrong on it
 * is collected in `page.trouble`; texts that match `expected` are left out.
 */
export async function openPage(context, origin, expected = /^$/) {
  const page = await context.newPage();
  page.trouble = [];
  await page.addInitScript({ content: `window.numberShown = ${numberShown};` }); // The page's policy has no say in it.
  const note = (text) => expected.test(text) || page.trouble.push(text);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && note(message.text()));
  page.on("pageerror", (error) => note(String(error)));
  page.on("dialog", (dialog) => {
    note(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) note(`left the page: ${url}`);
  });
  return page;
}

export function assertNoTrouble(...pages) {
  for (const page of pages) assert.deepEqual(page.trouble, []);
}

/** All that can be operated or is an image has a name for those who do not see it. */
export async function assertNamed(page) {
  const roles = new Set(["button", "link", "textbox", "searchbox", "combobox", "slider", "radio", "checkbox"]);
  for (const role of ["listbox", "option", "dialog", "navigation", "progressbar", "tab"]) roles.add(role);
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const found = nodes.filter((node) => !node.ignored && roles.has(node.role?.value));
  assert.ok(found.length > 3, "the page offers something to operate");
  const unnamed = found.filter((node) => !node.name?.value?.trim());
  assert.deepEqual(
    unnamed.map((node) => node.role.value),
    [],
  );
}
