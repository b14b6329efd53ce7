import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { counted, csv, facts, shares } = await load("report/describe.ts");
const { grouping, pointColours } = await load("report/colours.ts");

const data = {
  count: 3,
  images: true,
  clusters: 2,
  matches: [1, 0],
  labels: Int32Array.of(0, 1, 0),
  confidences: Float32Array.of(1, 0.25, 0.5),
  names: ["a.png", 'b, "c".png', "d.png"],
  ids: Int32Array.of(10, 20, 30),
  truth: Int32Array.of(1, 0, 0),
  classes: ["cat", "dog"],
  classColours: [1, 0],
};
const palette = {
  clusters: ["#ff0000", "#00ff00"],
  accent: "#0000ff",
  other: "#800000",
  quiet: "#777777",
  cluster: (k) => ["#ff0000", "#00ff00"][k % 2],
};

test("points are described with their class, right or wrong", () => {
  assert.equal(facts(data, 0), "cluster 0, confidence 1.000, dog (right)");
  assert.equal(facts(data, 2), "cluster 0, confidence 0.500, cat (wrong)");
  assert.equal(facts({ ...data, truth: null }, 1), "cluster 1, confidence 0.250");
  assert.equal(counted(data, 1), "1 image");
  assert.equal(counted({ ...data, images: false }, 70_000), "70,000 rows");
});

test("csv keeps ids and names", () => {
  assert.equal(
    csv(data, Int32Array.of(1, 2)),
    'id,path,label,confidence,class\n20,"b, ""c"".png",1,0.250000,cat\n30,d.png,0,0.500000,cat\n',
  );
});

test("shares come with the most first", () => {
  assert.deepEqual(shares(data.labels, Int32Array.of(0, 1, 2)), [{ key: 0, count: 2 }, { key: 1, count: 1 }]);
});

test("groups count their points, and have the colours that these are drawn in", () => {
  const counts = (by) => grouping(data, by, palette).groups.map(({ name, count }) => `${name}: ${count}`);
  assert.deepEqual(counts("cluster"), ["Cluster 0: 2", "Cluster 1: 1"]);
  assert.deepEqual(counts("class"), ["cat: 2", "dog: 1"]);
  assert.deepEqual(counts("mistakes"), ["Right: 2", "Wrong: 1"]);
  assert.deepEqual(counts("confidence"), ["0.0 to 0.2: 0", "0.2 to 0.4: 1", "0.4 to 0.6: 1", "0.6 to 0.8: 0", "0.8 to 1.0: 1"]);
  const hex = (colours, i) => "#" + Buffer.from(colours.slice(4 * i, 4 * i + 3)).toString("hex");
  for (const by of ["cluster", "class", "mistakes"]) {
    const { groups, of } = grouping(data, by, palette);
    const colours = pointColours(data, by, palette, null);
    for (const i of [0, 1, 2]) assert.equal(hex(colours, i), groups[of(i)].colour);
  }
  // Confidence 1 has the colour of links, 0 that of mistakes.
  assert.equal(hex(pointColours(data, "confidence", palette, null), 0), "#0000ff");
});

test("what is not chosen is faint", () => {
  const colours = pointColours(data, "cluster", palette, Uint8Array.of(0, 1, 0));
  assert.ok(colours[3] < 60 && colours[7] > 200 && colours[11] < 60);
});
