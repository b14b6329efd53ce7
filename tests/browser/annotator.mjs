// Runs of images that show their number, and the real program that serves them.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npyOfImages, numberedImage } from "./numbered_images.mjs";

export const kGroups = 4;
const kProgram = process.env.COTERIE_PROGRAM;
const kToken = "a-token-of-the-tests-0123456789";

const scratchFolders = [];
process.on("exit", () => scratchFolders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder that is gone when the tests end. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), "coterie-browser-"));
  scratchFolders.push(folder);
  return folder;
}

const kEnvironment = { ...process.env, COTERIE_CACHE: scratchFolder() };

/** Image `id` is of group id % kGroups, which its background shows. */
export function group(id) {
  return id % kGroups;
}

export function image(id) {
  return numberedImage(id, [0, 60, 190, 250][group(id)]);
}

/** A finished run of `count` images in a new folder; `options` are more words for `coterie cluster`. */
export function makeRun(count, options = ["--method", "pac"]) {
  const folder = scratchFolder();
  const images = Array.from({ length: count }, (_, id) => image(id));
  writeFileSync(join(folder, "numbers.npy"), npyOfImages(images));
  return clusterRun(join(folder, "numbers.npy"), join(folder, "run"), options);
}

export function clusterRun(input, run, options = ["--method", "pac"]) {
  const args = ["cluster", input, "-k", String(kGroups), "--out", run, ...options];
  execFileSync(kProgram, args, { env: kEnvironment, stdio: ["ignore", "ignore", "pipe"] });
  return run;
}

/** The program, serving `run` until `stop` or `kill`. */
export class Annotator {
  constructor(run, budget) {
    this.run = run;
    this.budget = budget;
    this.port = 0;
  }

  /** Starts, or starts again at the same address. */
  async start() {
    const options = ["--port", String(this.port), "--token", kToken, "--budget", String(this.budget)];
    // What it trains here is small: on a busy machine several threads would wait for each other.
    const child = spawn(kProgram, ["annotate", this.run, ...options, "--threads", "1"], {
      env: kEnvironment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let said = "";
    this.address = await new Promise((resolve, reject) => {
      child.stderr.on("data", (text) => (said += text));
      child.stdout.on("data", (text) => {
        said += text;
        const found = /http:\/\/127\.0\.0\.1:(\d+)\/\?token=\S+/.exec(said);
        if (found) resolve(found[0]);
      });
      child.on("exit", () => reject(new Error(`annotate ended: ${said}`)));
    });
    this.origin = new URL(this.address).origin;
    this.port = Number(new URL(this.address).port);
    return this;
  }

  async end(signal) {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await ended;
  }

  /** As a power cut would: nothing more is written. */
  kill() {
    return this.end("SIGKILL");
  }

  stop() {
    return this.end("SIGINT");
  }

  /** The constraints that the stopped annotator has on disk, as "a b must" or "a b cannot". */
  exported() {
    const path = join(this.run, "..", "constraints.csv");
    execFileSync(kProgram, ["annotate", this.run, "--export", path], { env: kEnvironment, stdio: "ignore" });
    const [head, ...rows] = readFileSync(path, "utf8").trim().split("\n");
    assert.ok(head.startsWith("id_a,id_b,link"), head);
    return rows.map((row) => row.split(",").slice(0, 3).join(" "));
  }
}

/** The open question as the page shows it; its pictures must be those of its ids. */
export async function shownPair(page) {
  const pair = page.locator(".pair:not([hidden])");
  await pair.waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".pair:not([hidden]) img.large")].every((image) => numberShown(image) !== null),
  );
  return pair.evaluate((element) => {
    const large = [...element.querySelectorAll("img.large")];
    const sides = large.map((image) => ({ id: Number(image.dataset.image), number: numberShown(image) }));
    const near = [...element.querySelectorAll("img.near")].map((image) => Number(image.dataset.image));
    return { question: Number(element.dataset.question), a: sides[0], b: sides[1], near };
  });
}

/** Presses a key that answers, and waits until the page has what followed from it. */
export async function answer(page, key) {
  if (key !== "z") await page.locator(".pair:not([hidden])").waitFor();
  const followed = page.waitForResponse((response) => response.url().includes("/api/questions"));
  await page.keyboard.press(key);
  await Promise.race([followed, page.locator(".training").waitFor()]);
  await page.waitForFunction(() => !document.querySelector("h1.flash"));
}

/** The figures of the round as the page shows them. */
export async function roundShown(page) {
  const figures = {};
  for (const kind of ["answered", "filled", "skipped", "left"]) {
    figures[kind] = Number(await page.locator(`.legend .${kind} b`).textContent());
  }
  return figures;
}

export async function state(page) {
  return page.evaluate(async () => (await fetch("/api/state")).json());
}

/** All loaded tiles of the grid, which must show the number that they are labelled with. */
export async function assertTilesShowTheirIds(page, least) {
  // Waited for and read at once: the next moment may show others.
  const found = await page.waitForFunction((count) => {
    const tiles = [...document.querySelectorAll(".tile img")].map((image) => ({
      id: Number(image.dataset.image),
      label: image.closest(".tile").getAttribute("aria-label"),
      shown: numberShown(image),
    }));
    return tiles.length >= count && tiles.every(({ shown }) => shown !== null) && tiles;
  }, least);
  const tiles = await found.jsonValue();
  for (const { id, label, shown } of tiles) {
    assert.equal(shown, id);
    assert.ok(label.startsWith(`image ${id},`), label);
  }
  return tiles.map(({ id }) => id);
}
