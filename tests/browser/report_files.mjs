import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone when the tests end. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), "coterie-report-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The bytes of an .npy file of float32 [N, 2]. */
export function npyOfPlaces(places) {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${places.length}, 2), }`;
  const padded = head.padEnd(64 * Math.ceil((head.length + 11) / 64) - 11) + "\n";
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  const values = Buffer.from(Float32Array.from(places.flat()).buffer);
  return Buffer.concat([start, Buffer.from(padded, "latin1"), values]);
}
