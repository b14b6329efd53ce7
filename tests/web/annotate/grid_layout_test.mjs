import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { gridLayout, seen, tileAt } = await load("annotate/grid_layout.ts");

// 8 pixels between tiles of 100: nine columns in 990, each 982 / 9 wide; rows of 100 + 18 + 8.
const layout = gridLayout(990, 100, 100_000);

test("tiles fill the width, and all rows fit the height", () => {
  assert.equal(layout.columns, 9);
  assert.equal(layout.stepX, 982 / 9);
  assert.equal(layout.stepY, 126);
  assert.equal(layout.height, 11_112 * 126 + 8); // 100,000 / 9 = 11,111.1 rows
  assert.equal(gridLayout(40, 100, 5).columns, 1);
});

test("what is in sight is a few rows, with a margin", () => {
  // Rows 100 to 105 are in sight; two are kept before them and two after.
  assert.deepEqual(seen(layout, 100 * 126, 106 * 126 - 1, 100_000), [98 * 9, 108 * 9 - 1]);
  assert.deepEqual(seen(layout, 0, 300, 20), [0, 19]);
  assert.deepEqual(seen(layout, 0, 300, 0), [0, -1]);
  // A cluster that has shrunk below the place scrolled to.
  assert.deepEqual(seen(layout, 5000, 5500, 10), [9, 9]);
});

test("each tile is found at its middle, and beside the grid the nearest", () => {
  for (const index of [0, 8, 9, 17, 99_999]) {
    const x = 8 + (index % 9) * layout.stepX + 50;
    const y = 8 + Math.floor(index / 9) * 126 + 50;
    assert.equal(tileAt(layout, x, y, 100_000), index);
  }
  assert.equal(tileAt(layout, -50, 60, 100_000), 0);
  assert.equal(tileAt(layout, 2000, 60, 100_000), 8);
  assert.equal(tileAt(layout, 60, -20, 100_000), 0);
  assert.equal(tileAt(layout, 60, 1e9, 100_000), 99_999);
});
