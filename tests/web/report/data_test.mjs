import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { decode, decodeNames, normalise } = await load("report/data.ts");
const base64 = (array) => Buffer.from(array.buffer).toString("base64");

test("names take over what the name above begins with", () => {
  // As tests/report/map_points_test.cpp has it from the writer.
  assert.deepEqual(decodeNames("0a/1.png\n22.png\n0b\n1\n0"), ["a/1.png", "a/2.png", "b", "b", ""]);
  assert.deepEqual(decodeNames("0café\n3è"), ["café", "cafè"]);
  const long = "x".repeat(200);
  assert.deepEqual(decodeNames(`0${long}1\n~${"x".repeat(122)}2`), [`${long}1`, `${long}2`]);
});

test("positions lie around 0, and the longer side spans -1 to 1", () => {
  const { positions, extent } = normalise(Float32Array.of(10, 5, 30, 5, 20, 15));
  assert.deepEqual([...positions], [-1, -0.5, 1, -0.5, 0, 0.5]);
  assert.deepEqual(extent, [1, 0.5]);
  assert.deepEqual([...normalise(Float32Array.of(7, 7, 7, 7)).positions], [0, 0, 0, 0]);
});

test("a payload is read as it was written", () => {
  const payload = {
    images: true,
    total: 9,
    clusters: 2,
    matches: [1, -1],
    positions: base64(Float32Array.of(0, 0, 2, 4)),
    labels: base64(Int32Array.of(1, 0)),
    confidences: base64(Float32Array.of(0.5, 0.25)),
    names: "0a\n0b",
    ids: base64(Int32Array.of(3, 8)),
    truth: base64(Int32Array.of(0, 1)),
    classes: ["x", "y"],
    class_colours: [1, 0],
  };
  const data = decode(JSON.stringify(payload));
  assert.equal(data.count, 2);
  assert.deepEqual([...data.labels], [1, 0]);
  assert.deepEqual([...data.ids], [3, 8]);
  assert.deepEqual([...data.truth], [0, 1]);
  assert.deepEqual([...data.positions], [-0.5, -1, 0.5, 1]);
  assert.equal(data.tiles, null);
  delete payload.ids;
  delete payload.truth;
  assert.deepEqual([...decode(JSON.stringify(payload)).ids], [0, 1]);
  assert.equal(decode(JSON.stringify(payload)).truth, null);
});
