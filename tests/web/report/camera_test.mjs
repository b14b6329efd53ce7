import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { Camera } = await load("report/camera.ts");

function camera() {
  const made = new Camera([1, 0.5]);
  made.resize(1000, 800);
  return made;
}

const near = (a, b) => assert.ok(Math.hypot(a.x - b.x, a.y - b.y) < 1e-6, `${JSON.stringify(a)} ${JSON.stringify(b)}`);

test("the whole map takes 94 parts of 100 of what it fills first", () => {
  // 2 wide and 1 high in 1000 x 800: the width is filled, at 470 pixels a unit.
  near(camera().toScreen(1, 0.5), { x: 970, y: 400 - 235 });
  near(camera().toMap({ x: 500, y: 400 }), { x: 0, y: 0 });
});

test("zooming holds the place under the pointer", () => {
  const made = camera();
  const at = { x: 700, y: 300 };
  const held = made.toMap(at);
  for (const factor of [2, 3, 0.5, 40]) {
    made.zoomBy(factor, at);
    near(made.toMap(at), held);
  }
  assert.equal(made.magnification, 120);
  made.zoomBy(1e9);
  assert.equal(made.magnification, 400);
  made.whole();
  near(made.toScreen(0, 0), { x: 500, y: 400 });
});

test("the map moves with the pointer", () => {
  const made = camera();
  made.zoomBy(4);
  const before = made.toScreen(0.1, 0.1);
  made.pan(30, -20);
  near(made.toScreen(0.1, 0.1), { x: before.x + 30, y: before.y - 20 });
});

test("the shader's transform is that of the screen", () => {
  const made = camera();
  made.zoomBy(3, { x: 100, y: 700 });
  const [sx, sy, mx, my] = made.transform();
  const at = made.toScreen(0.3, -0.2);
  near({ x: 0.3 * sx + mx, y: -0.2 * sy + my }, { x: at.x / 500 - 1, y: 1 - at.y / 400 });
});
