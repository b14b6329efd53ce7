import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { ImagePages } = await load("annotate/image_pages.ts");

/** A cluster of `total` images whose ids are their places plus `first`; `asked` notes the offsets. */
function cluster(total, first = 0) {
  const made = { total, first, asked: [], drawn: 0 };
  made.load = async (offset, count) => {
    made.asked.push(offset);
    const ids = Array.from(
      { length: Math.max(0, Math.min(count, made.total - offset)) },
      (_, at) => made.first + offset + at,
    );
    return { total: made.total, images: ids.map((id) => ({ id })) };
  };
  made.pages = new ImagePages(made.load, () => (made.drawn += 1));
  return made;
}

test("only the pages that are looked at are loaded, and once", async () => {
  const big = cluster(100_000);
  await big.pages.want(50_150, 50_250);
  assert.deepEqual(big.asked, [50_000, 50_200]);
  assert.equal(big.pages.total, 100_000);
  assert.equal(big.pages.at(50_399).id, 50_399);
  assert.equal(big.pages.at(50_400), undefined);
  await Promise.all([big.pages.want(50_000, 50_300), big.pages.want(400, 401), big.pages.want(402, 403)]);
  assert.deepEqual(big.asked, [50_000, 50_200, 400]);
  assert.equal(big.drawn, 3);
});

test("an outdated page is shown until the new one is there", async () => {
  const moved = cluster(300);
  await moved.pages.want(0, 299);
  moved.first = 1000;
  moved.total = 299;
  moved.pages.outdated();
  assert.equal(moved.pages.at(5).id, 5);
  await moved.pages.want(0, 10);
  assert.equal(moved.pages.at(5).id, 1005);
  assert.equal(moved.pages.total, 299);
  assert.deepEqual(moved.asked, [0, 200, 0]);
});

test("the ids of a range come in order, of what is loaded and what is not", async () => {
  const big = cluster(3000);
  await big.pages.want(0, 0);
  assert.deepEqual(
    await big.pages.ids(150, 2349),
    Array.from({ length: 2200 }, (_, at) => 150 + at),
  );
  assert.deepEqual(big.asked, [0, 150, 1150, 2150]);
  assert.deepEqual(await big.pages.ids(7, 7), [7]);
});

test("of a long way through a cluster the last pages stay", async () => {
  const big = cluster(100_000);
  for (let offset = 0; offset < 12_000; offset += 200) await big.pages.want(offset, offset);
  assert.equal(big.pages.at(1999), undefined);
  assert.equal(big.pages.at(2000).id, 2000);
});

test("a load that failed is tried again when it is wanted again", async () => {
  let fails = true;
  const pages = new ImagePages(
    async () => {
      if (fails) throw new Error("lost");
      return { total: 1, images: [{ id: 4 }] };
    },
    () => {},
  );
  await assert.rejects(pages.want(0, 0), /lost/);
  fails = false;
  await pages.want(0, 0);
  assert.equal(pages.at(0).id, 4);
});
