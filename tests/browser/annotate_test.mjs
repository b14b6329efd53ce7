// The annotator as a person uses it: the real program, served to a real browser.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as annotator from "./annotator.mjs";
import { assertNamed, assertNoTrouble, browserOrSkip, launch, openPage } from "./browser.mjs";
import { kSide } from "./numbered_images.mjs";
import { pngOfGrey } from "./png.mjs";

const path = browserOrSkip();
let browser;
before(async () => (browser = await launch(path)));
after(() => browser.close());

/** Serves `run` and opens it; `work` gets the annotator and `open`, which opens one more page. */
async function serving(run, budget, work, expected) {
  const served = await new annotator.Annotator(run, budget).start();
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const pages = [];
  const open = async () => {
    const page = await openPage(context, served.origin, expected);
    pages.push(page);
    await page.goto(served.address);
    await page.locator("main").waitFor(); // It listens to keys by then.
    return page;
  };
  try {
    await work(served, open);
    assertNoTrouble(...pages);
  } finally {
    await context.close();
    await served.stop();
  }
}

/** What a browser notes about a server that is gone, or that does not know the page any more. */
const kLostServer = /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE|SOCKET)|status of 403/;

const truth = (pair) => (annotator.group(pair.a.id) === annotator.group(pair.b.id) ? "y" : "n");

test("forty pairs by keyboard arrive as they were given", { timeout: 300_000 }, async () => {
  const run = annotator.makeRun(400);
  const given = [];
  await serving(
    run,
    60,
    async (served, open) => {
      const page = await open();
      await assertNamed(page);
      const seen = new Set();
      for (let count = 0; count < 40; ++count) {
        const pair = await annotator.shownPair(page);
        assert.equal(pair.a.number, pair.a.id);
        assert.equal(pair.b.number, pair.b.id);
        assert.ok(!seen.has(pair.question), "no question comes twice");
        seen.add(pair.question);
        // A cannot-link or nothing: must-links would fill in answers of their own.
        const key = count % 5 === 4 ? (count % 2 ? "u" : " ") : "n";
        if (key === "n") given.push(`${pair.a.id} ${pair.b.id} cannot`);
        await annotator.answer(page, key);
      }
      assert.deepEqual(await annotator.roundShown(page), { answered: 32, filled: 0, skipped: 8, left: 20 });
      await served.stop();
      assert.deepEqual(served.exported().sort(), given.sort());
      await served.start();
    },
    kLostServer,
  );
});

test("a question that a correction answers is filled in and not asked", { timeout: 300_000 }, async () => {
  await serving(annotator.makeRun(200), 30, async (_, open) => {
    const page = await open();
    const first = await annotator.shownPair(page);
    await page.evaluate(
      async (images) => {
        const token = document.querySelector("meta[name=coterie-token]").content;
        const headers = { "Content-Type": "application/json", "X-Coterie-Token": token };
        await fetch("/api/split", { method: "POST", headers, body: JSON.stringify({ images, name: "" }) });
      },
      [first.a.id, first.b.id],
    );
    await page.waitForFunction(() => document.querySelector(".legend .filled b").textContent === "1");
    assert.deepEqual(await annotator.roundShown(page), { answered: 0, filled: 1, skipped: 0, left: 29 });
    await page.getByText("answered elsewhere, or follows from other answers").waitFor();
    assert.notEqual((await annotator.shownPair(page)).question, first.question);
  });
});

test("a second tab is in step, and one answer counts where both give one", { timeout: 300_000 }, async () => {
  await serving(
    annotator.makeRun(200),
    30,
    async (_, open) => {
      const [one, two] = [await open(), await open()];
      const first = await annotator.shownPair(one);
      assert.deepEqual(await annotator.shownPair(two), first);

      await annotator.answer(one, "n");
      await two.waitForFunction(
        (old) => document.querySelector(".pair:not([hidden])")?.dataset.question !== String(old),
        first.question,
      );
      const second = await annotator.shownPair(one);
      assert.deepEqual(await annotator.shownPair(two), second);
      assert.equal((await annotator.roundShown(two)).answered, 1);

      await two.waitForFunction(() => !document.querySelector("h1.flash"));
      await Promise.all([one.keyboard.press("n"), two.keyboard.press("n")]);
      const counted = (page) =>
        page.waitForFunction(() => document.querySelector(".legend .answered b").textContent === "2");
      await Promise.all([counted(one), counted(two)]);
      const third = await annotator.shownPair(one);
      assert.notEqual(third.question, second.question);
      assert.deepEqual(await annotator.shownPair(two), third);
    },
    /status of 409/,
  ); // The slower tab is told that the other was first.
});

test("undo goes back to the first answer, and asks it again", { timeout: 300_000 }, async () => {
  await serving(annotator.makeRun(200), 30, async (_, open) => {
    const page = await open();
    const asked = [];
    for (let count = 0; count < 8; ++count) {
      asked.push(await annotator.shownPair(page));
      await annotator.answer(page, "n");
    }
    while (asked.length > 0) {
      await annotator.answer(page, "z");
      const again = await annotator.shownPair(page);
      assert.deepEqual([again.a, again.b], [asked.at(-1).a, asked.at(-1).b]);
      asked.pop();
    }
    assert.deepEqual(await annotator.roundShown(page), { answered: 0, filled: 0, skipped: 0, left: 30 });
    await page.getByRole("button", { name: "Undo" }).and(page.locator(":disabled")).waitFor();
  });
});

test("a reload loses nothing and comes back to its place", { timeout: 300_000 }, async () => {
  await serving(annotator.makeRun(200), 30, async (_, open) => {
    const page = await open();
    for (const key of "nun") await annotator.answer(page, key);
    const pair = await annotator.shownPair(page);
    await page.reload();
    assert.deepEqual(await annotator.shownPair(page), pair);
    assert.deepEqual(await annotator.roundShown(page), { answered: 2, filled: 0, skipped: 1, left: 27 });

    // A key acts on what is shown: each waits for what the one before brings.
    await page.keyboard.press("2");
    await page.getByRole("heading", { name: "Cluster 0" }).waitFor();
    await page.keyboard.press("]");
    await page.getByRole("heading", { name: "Cluster 1" }).waitFor();
    await page.keyboard.press("o");
    await page.getByRole("radio", { name: "least sure", checked: true }).waitFor();
    const ids = await annotator.assertTilesShowTheirIds(page, 10);
    await page.reload();
    assert.deepEqual(await annotator.assertTilesShowTheirIds(page, 10), ids);
    assert.ok(await page.getByRole("radio", { name: "least sure" }).isChecked());
  });
});

test("a kill -9 after each of fifty answers loses none", { timeout: 1_200_000 }, async () => {
  const run = annotator.makeRun(400);
  const given = [];
  await serving(
    run,
    80,
    async (served, open) => {
      const page = await open();
      for (let count = 1; count <= 50; ++count) {
        const { a, b } = await annotator.shownPair(page);
        given.push(`${a.id} ${b.id} cannot`);
        await annotator.answer(page, "n");
        await served.kill();
        await page.getByText("The annotator does not answer").waitFor();
        await served.start();
        await page.goto(served.address); // Its old cookie is worth nothing to the new one.
        await annotator.shownPair(page);
        assert.equal((await annotator.roundShown(page)).answered, count);
      }
      await served.stop();
      assert.deepEqual(served.exported().sort(), given.sort());
      await served.start();
    },
    kLostServer,
  );
});

test("an answer that a lost server did not confirm counts once when it is back", { timeout: 300_000 }, async () => {
  await serving(
    annotator.makeRun(200),
    30,
    async (served, open) => {
      const page = await open();
      const first = await annotator.shownPair(page);
      served.child.kill("SIGSTOP");
      await page.keyboard.press("n");
      await page.getByText("1 change will be sent").waitFor({ timeout: 120_000 });
      served.child.kill("SIGCONT");
      await page.locator(".banner").waitFor({ state: "detached", timeout: 120_000 });
      await page.waitForFunction(() => document.querySelector(".legend .answered b").textContent === "1");
      await served.stop();
      assert.deepEqual(served.exported(), [`${first.a.id} ${first.b.id} cannot`]);
      await served.start();
    },
    kLostServer,
  );
});

test("a page from before a restart says so for good", { timeout: 300_000 }, async () => {
  await serving(
    annotator.makeRun(200),
    30,
    async (served, open) => {
      const page = await open();
      await annotator.answer(page, "n");
      // It misses the restart, and the cookie that another tab gets lets it look again.
      await page.route("**/api/state*", (route) => route.abort("connectionrefused"));
      await served.kill();
      await served.start();
      await page.getByText("The annotator does not answer").waitFor();
      // What is not known is not said: there are questions, which this page has not got.
      await page.keyboard.press("2");
      await page.keyboard.press("1");
      await page.getByRole("heading", { name: "Fetching the questions" }).waitFor();
      const other = await open();
      await page.unroute("**/api/state*");
      await page.locator(".banner").waitFor({ state: "detached" });
      await annotator.shownPair(page);
      await page.keyboard.press("n");
      await page.getByText("this page is of the time before: open the address that it printed").waitFor();
      // What the server tells it later does not make it one of the new start.
      await annotator.answer(other, "n");
      await page.waitForTimeout(1000);
      assert.ok(await page.locator(".banner").isVisible());
      assert.equal((await annotator.roundShown(other)).answered, 2);
    },
    kLostServer,
  );
});

test("image and id stay together through sort, filter and scroll", { timeout: 300_000 }, async () => {
  await serving(annotator.makeRun(3000), 30, async (_, open) => {
    const page = await open();
    await page.keyboard.press("2");
    const surest = await annotator.assertTilesShowTheirIds(page, 30);
    await assertNamed(page);

    await page.keyboard.press("o");
    const unsure = await annotator.assertTilesShowTheirIds(page, 30);
    assert.notDeepEqual(unsure, surest);
    await page.keyboard.press("o");
    assert.deepEqual(await annotator.assertTilesShowTheirIds(page, 30), surest);

    const grid = page.locator(".grid");
    const total = Number(await page.locator(".tile").first().getAttribute("aria-setsize"));
    const all = new Set();
    for (let top = 0, end = Infinity; top < end; top += 400) {
      end = await grid.evaluate((element, to) => ((element.scrollTop = to), element.scrollHeight), top);
      await page.waitForFunction(() =>
        [...document.querySelectorAll(".tile")].every((tile) => tile.querySelector("img")),
      );
      for (const id of await annotator.assertTilesShowTheirIds(page, 1)) all.add(id);
      assert.ok((await page.locator(".tile").count()) < 200, "only what is in sight is in the page");
    }
    assert.equal(all.size, total);

    await page.getByRole("searchbox").fill("Cluster 2");
    await page.getByRole("navigation", { name: "Clusters" }).getByRole("button").first().click();
    await page.getByRole("heading", { name: "Cluster 2" }).waitFor();
    for (const id of await annotator.assertTilesShowTheirIds(page, 30)) assert.ok(!all.has(id));
  });
});

test("images are selected, moved, split off, merged and named, and each is undone", { timeout: 300_000 }, async () => {
  await serving(annotator.makeRun(2000), 30, async (_, open) => {
    const [page, other] = [await open(), await open()];
    for (const each of [page, other]) await each.keyboard.press("2");
    const clusters = () => page.evaluate(async () => (await (await fetch("/api/clusters")).json()).clusters);
    const before = await clusters();
    const heading = (each, text) => each.locator("section h1").getByText(text, { exact: true }).waitFor();
    const selected = (text) => page.getByRole("status").getByText(text).waitFor();
    await heading(page, "Cluster 0");
    await annotator.assertTilesShowTheirIds(page, 30);

    // Scrolled and selected by drag: both stay when something changes elsewhere.
    const grid = page.locator(".grid");
    await grid.evaluate((element) => (element.scrollTop = 1500));
    await page.waitForTimeout(100);
    await annotator.assertTilesShowTheirIds(page, 30);
    const box = await grid.boundingBox();
    await page.mouse.move(box.x + 60, box.y + 150);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 160, { steps: 5 });
    await page.mouse.up();
    await selected("3 images selected");
    const ids = () =>
      page.evaluate(() =>
        [...document.querySelectorAll(".tile[aria-selected=true] img")].map((i) => Number(i.dataset.image)),
      );
    const chosen = await ids();

    await other.keyboard.press("r");
    await other.getByRole("textbox", { name: "Name of cluster 0" }).fill("<b>shoes</b>");
    await other.keyboard.press("Enter");
    await heading(page, "<b>shoes</b>");
    assert.deepEqual(await ids(), chosen);
    assert.equal(await grid.evaluate((element) => element.scrollTop), 1500);

    await page.getByRole("button", { name: "Move" }).click();
    await page.getByRole("combobox").fill("1");
    await page.keyboard.press("Enter");
    await selected("Click, drag");
    await page.waitForFunction(() => document.activeElement?.matches(".grid"));
    const size = async (id) => (await clusters()).find((cluster) => cluster.id === id)?.size ?? 0;
    assert.equal(await size(0), before[0].size - 3);
    assert.equal(await size(1), before[1].size + 3);
    assert.equal(await grid.evaluate((element) => element.scrollTop), 1500);
    // The images as they were are shown until the new ones are there.
    await page.waitForFunction(
      (moved) => moved.every((id) => !document.querySelector(`.tile img[data-image="${id}"]`)),
      chosen,
    );
    await annotator.assertTilesShowTheirIds(page, 30);

    // By keyboard: five images from where the pointer was.
    await page.keyboard.press("Space");
    for (let step = 0; step < 4; ++step) await page.keyboard.press("Shift+ArrowRight");
    await selected("5 images selected");
    await page.keyboard.press("s");
    await page.getByRole("textbox").fill("boots");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "boots" }).click();
    await heading(page, "boots");
    assert.equal((await clusters()).find(({ name }) => name === "boots").size, 5);

    // A cluster without a name takes that of the one that is merged into it.
    await page.keyboard.press("g");
    await page.getByRole("combobox").fill("2");
    await page.keyboard.press("Enter");
    await page.getByText("boots merged into Cluster 2").waitFor();
    assert.equal(await size(2), before[2].size + 5);
    assert.deepEqual((await clusters()).map(({ name }) => name), ["<b>shoes</b>", "", "boots", ""]);
    await page.locator("section header").getByText(`${before[2].size + 5} images`).waitFor();

    for (const undone of ["clusters merged", "images split off", "images moved", "a name"]) {
      await page.keyboard.press("z");
      await page.getByText(`Taken back: ${undone}`).waitFor();
    }
    assert.deepEqual(await clusters(), before);
    await heading(other, "Cluster 0");
  });
});

test("all images of a cluster are selected, seen or not", { timeout: 300_000 }, async () => {
  await serving(annotator.makeRun(3000), 30, async (_, open) => {
    const page = await open();
    await page.keyboard.press("2");
    await annotator.assertTilesShowTheirIds(page, 30);
    const total = Number(await page.locator(".tile").first().getAttribute("aria-setsize"));
    await page.locator(".grid").focus();
    await page.keyboard.press("Control+a");
    await page.getByText(`${total.toLocaleString("en-GB")} images selected`).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Click, drag").waitFor();
  });
});

test("a file's name is text, whatever it looks like", { timeout: 300_000 }, async () => {
  const folder = annotator.scratchFolder();
  mkdirSync(join(folder, "photos"));
  const hostile = "<img src=x onerror=alert(1)>.png";
  for (let id = 0; id < 60; ++id) {
    const name = id === 7 ? hostile : `${String(id).padStart(3, "0")}.png`;
    writeFileSync(join(folder, "photos", name), pngOfGrey(annotator.image(id), kSide, kSide));
  }
  const run = annotator.clusterRun(join(folder, "photos"), join(folder, "run"));
  await serving(run, 10, async (_, open) => {
    const page = await open();
    await page.keyboard.press("2");
    const list = page.getByRole("navigation", { name: "Clusters" }).getByRole("button");
    await list.first().waitFor();
    const titles = [];
    for (let place = 0; place < (await list.count()); ++place) {
      await list.nth(place).click();
      await page.locator(".tile img").first().waitFor();
      titles.push(...(await page.locator(".tile").evaluateAll((tiles) => tiles.map((tile) => tile.title))));
    }
    const mine = titles.filter((title) => title.includes("onerror"));
    assert.equal(mine.length, 1);
    assert.ok(mine[0].endsWith(hostile));
    assert.equal(await page.locator("img[src=x]").count(), 0);
  });
});

test("a full round trains, and the next round's questions come by themselves", { timeout: 600_000 }, async () => {
  const run = annotator.makeRun(100, ["--method", "ae", "--set", "epochs=1", "--set", "batch_size=16"]);
  await serving(run, 6, async (_, open) => {
    const [page, other] = [await open(), await open()];
    await other.keyboard.press("2");
    await page.evaluate(() => {
      window.progressShown = [];
      const look = () => window.progressShown.push(document.querySelector("progress")?.value ?? 0);
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    const asked = new Set();
    while (await page.locator(".training").isHidden()) {
      const pair = await annotator.shownPair(page);
      asked.add(`${pair.a.id} ${pair.b.id}`);
      await annotator.answer(page, truth(pair));
    }
    await page.getByRole("progressbar", { name: "Training" }).waitFor();
    await other.getByRole("button", { name: "Name", disabled: true }).waitFor(); // Nothing can be changed meanwhile.
    await page.getByText("Round 2").waitFor({ timeout: 500_000 });
    const between = (await page.evaluate(() => window.progressShown)).filter((value) => value > 0 && value < 1);
    assert.ok(between.length > 0, "its progress is seen");
    const next = await annotator.shownPair(page);
    assert.ok(!asked.has(`${next.a.id} ${next.b.id}`));
    assert.equal(next.a.number, next.a.id);
    assert.equal(next.b.number, next.b.id);
    assert.equal((await annotator.roundShown(page)).answered, 0);
    await annotator.assertTilesShowTheirIds(other, 1);
    await annotator.answer(page, truth(next));
    assert.equal((await annotator.roundShown(page)).answered, 1);
  });
});

test("a training is stopped from the page, and the round stays", { timeout: 300_000 }, async () => {
  const run = annotator.makeRun(100, ["--method", "ae", "--set", "epochs=1", "--set", "batch_size=16"]);
  await serving(run, 6, async (_, open) => {
    const page = await open();
    await annotator.answer(page, truth(await annotator.shownPair(page)));
    await page.getByRole("button", { name: "Train now" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Train now" }).click();
    await page.getByRole("button", { name: "Stop training" }).click();
    await page.getByRole("button", { name: "Train now" }).waitFor({ timeout: 100_000 });
    assert.equal((await annotator.roundShown(page)).answered, 1);
    await page.getByText("Round 1").waitFor();
    await page.keyboard.press("z");
    await page.waitForFunction(() => /0\s*answered/.test(document.querySelector(".legend").textContent));
  });
});

test("a press that began in a dialog does not close it, one beside it does", async () => {
  const run = annotator.makeRun(40);
  await serving(run, 4, async (_, open) => {
    const page = await open();
    await page.keyboard.press("2");
    await page.getByRole("button", { name: "Name" }).click();
    const field = page.getByRole("dialog").getByRole("textbox");
    await field.fill("night skies");
    const box = await field.boundingBox();
    await page.mouse.move(box.x + 60, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(5, 5, { steps: 4 });
    await page.mouse.up();
    assert.equal(await field.inputValue(), "night skies");
    await page.mouse.click(5, 5);
    await field.waitFor({ state: "detached" });
  });
});
