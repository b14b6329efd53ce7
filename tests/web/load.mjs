import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const kWeb = new URL("../../web/", import.meta.url);
const { buildSync } = createRequire(new URL("package.json", kWeb))("esbuild");

/** The module web/src/`path`, a TypeScript source, as one for Node.js. */
export function load(path) {
  const entry = fileURLToPath(new URL(`src/${path}`, kWeb));
  const built = buildSync({ entryPoints: [entry], bundle: true, write: false, format: "esm", target: "es2022" });
  return import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString("base64")}`);
}
