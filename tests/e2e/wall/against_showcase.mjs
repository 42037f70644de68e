// Runs a page test against a wall_showcase of its own.
//
//   node against_showcase.mjs TEST.e2e.mjs WALL_SHOWCASE WEB_ROOT OUT_DIR
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const [test, program, webRoot, outDir] = process.argv.slice(2);
if (!outDir) {
  console.error("usage: node against_showcase.mjs TEST.e2e.mjs WALL_SHOWCASE WEB_ROOT OUT_DIR");
  process.exit(2);
}

const wall = spawn(program, [webRoot], { stdio: ["pipe", "pipe", "inherit"] });
wall.on("exit", (code) => {
  if (code !== 0) console.error(`wall_showcase ended with ${code}`);
});
const url = await new Promise((resolve) => {
  createInterface({ input: wall.stdout }).once("line", resolve);
  wall.once("exit", () => resolve(""));
});
let status = 1;
if (url) {
  const browser = spawn(process.execPath, [test, url, outDir], { stdio: "inherit" });
  status = await new Promise((resolve) => browser.once("exit", (code) => resolve(code ?? 1)));
  const stopped = new Promise((resolve) => wall.once("exit", resolve));
  wall.stdin.end();  // it serves until then
  if ((await stopped) !== 0) status = 1;
}
process.exit(status);
