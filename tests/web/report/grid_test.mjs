import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { Grid } = await load("report/grid.ts");

/** Places in -1..1, the same each time. */
function scattered(count) {
  let state = 1;
  return Float32Array.from({ length: 2 * count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const places = scattered(3000);
const grid = new Grid(places);
const all = Array.from({ length: 3000 }, (_, i) => i);
const distance = (i, x, y) => Math.hypot(places[2 * i] - x, places[2 * i + 1] - y);

test("the nearest point is that of a search through all", () => {
  for (const [x, y] of [[0, 0], [0.99, -0.99], [-1, 0.3], [0.1234, 0.777], [1.05, 1.05]]) {
    for (const radius of [0.001, 0.01, 0.1]) {
      const near = all.filter((i) => distance(i, x, y) <= radius);
      const best = near.sort((a, b) => distance(a, x, y) - distance(b, x, y))[0] ?? -1;
      assert.equal(grid.nearest({ x, y }, radius), best);
    }
  }
});

test("a box holds what lies in it", () => {
  const found = grid.inBox({ x: -0.3, y: 0.1 }, { x: 0.25, y: 0.9 });
  const inside = (i) => places[2 * i] >= -0.3 && places[2 * i] <= 0.25 && places[2 * i + 1] >= 0.1 && places[2 * i + 1] <= 0.9;
  assert.deepEqual([...found], all.filter(inside));
});

test("a line around points holds those within it", () => {
  const triangle = [{ x: -0.8, y: -0.8 }, { x: 0.7, y: -0.8 }, { x: -0.8, y: 0.7 }];
  const within = (i) => places[2 * i] > -0.8 && places[2 * i + 1] > -0.8 && places[2 * i] + places[2 * i + 1] < -0.1;
  assert.deepEqual([...grid.inPolygon(triangle)], all.filter(within));
  // A bay: an L of two squares without the third.
  const bay = [[0, 0], [1, 0], [1, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]].map(([x, y]) => ({ x, y }));
  const inBay = (i) => {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    return x > 0 && y > 0 && x < 1 && y < 1 && !(x > 0.5 && y > 0.5);
  };
  assert.deepEqual([...grid.inPolygon(bay)], all.filter(inBay));
  assert.equal(grid.inPolygon(triangle.slice(0, 2)).length, 0);
});

test("one point, and points at one place, are found", () => {
  assert.equal(new Grid(Float32Array.of(0, 0)).nearest({ x: 0.01, y: 0 }, 0.1), 0);
  const heap = new Grid(new Float32Array(20));
  assert.equal(heap.inBox({ x: -0.1, y: -0.1 }, { x: 0.1, y: 0.1 }).length, 10);
});
