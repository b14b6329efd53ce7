import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { Selection } = await load("annotate/selection.ts");

const id = (index) => 100 + index;
const drawTo = (selection, index) => {
  const [from, to] = selection.range(index);
  selection.draw(Array.from({ length: to - from + 1 }, (_, step) => id(from + step)));
};
const selected = (selection) => [...selection.ids].sort();

test("a click selects, and a second one takes it back", () => {
  const selection = new Selection();
  selection.toggle(3, id(3));
  assert.deepEqual(selected(selection), [103]);
  assert.equal(selection.active, 3);
  selection.toggle(3, id(3));
  assert.deepEqual(selected(selection), []);
});

test("a range that shrinks gives back what it had taken, and keeps what was selected before", () => {
  const selection = new Selection();
  selection.toggle(9, id(9));
  selection.begin(2, id(2));
  drawTo(selection, 5);
  assert.deepEqual(selected(selection), [102, 103, 104, 105, 109]);
  drawTo(selection, 1); // Over its beginning, to the other side.
  assert.deepEqual(selected(selection), [101, 102, 109]);
  selection.end();
  drawTo(selection, 8); // Ended: nothing is drawn any more.
  assert.deepEqual(selected(selection), [101, 102, 109]);
});

test("a range that begins at a selected image deselects", () => {
  const selection = new Selection();
  for (const index of [1, 2, 3, 7]) selection.toggle(index, id(index));
  selection.begin(2, id(2));
  drawTo(selection, 5);
  assert.deepEqual(selected(selection), [101, 107]);
});

test("shift goes on from where the last range began", () => {
  const selection = new Selection();
  selection.toggle(4, id(4));
  selection.extend();
  drawTo(selection, 6);
  selection.end();
  selection.extend();
  drawTo(selection, 3);
  assert.deepEqual(selected(selection), [103, 104, 105, 106]);
  selection.go(8);
  selection.extend();
  drawTo(selection, 9);
  assert.deepEqual(selected(selection), [103, 104, 105, 106, 108, 109]);
});
