// Works the wall's page as an operator would, in Debian's Chromium, against whatever gateway stands
// behind URL, and leaves its pictures in OUT_DIR.
//
//   node wall.e2e.mjs URL OUT_DIR
//
// Environment: FG_NODE_MODULES (where playwright-core is), FG_CHROMIUM (default /usr/bin/chromium),
// FG_WALL_WAIT_S (how long the first incident may take, default 60), FG_WALL_CAMERAS (how many
// pictures the most urgent incident must show, default 1).
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const [url, outDir] = process.argv.slice(2);
if (!url || !outDir) {
  console.error("usage: node wall.e2e.mjs URL OUT_DIR");
  process.exit(2);
}
const modules = process.env.FG_NODE_MODULES ?? path.join(process.cwd(), "node_modules");
const { chromium } = createRequire(path.join(modules, "from-here.js"))("playwright-core");
const waitMs = Number(process.env.FG_WALL_WAIT_S ?? 60) * 1000;
const picturesMin = Number(process.env.FG_WALL_CAMERAS ?? 1);
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

const shot = (page, name) => page.screenshot({ path: path.join(outDir, `${name}.png`) });

// Pictures of the shown moment that have really been decoded by the browser.
const loadedPictures = (page) =>
  page.$$eval(".tile .frame img", (images) => images.filter((image) => image.naturalWidth > 0).length);

async function waitForPictures(page) {
  await page.waitForFunction(
    (min) => [...document.querySelectorAll(".tile .frame img")]
      .filter((image) => image.naturalWidth > 0).length >= min,
    picturesMin, { timeout: 30000 });
}

const tests = {
  async "an incident is listed with its urgency, state, class, district, sources and age"(page) {
    await page.waitForSelector(".row", { timeout: waitMs });
    for (const part of [".severity", ".class", ".state", ".row-title", ".row-foot", ".age"]) {
      const text = await page.textContent(`.row ${part}`);
      assert.ok(text.trim().length > 0, `${part} is empty`);
    }
    assert.match(await page.textContent(".row .row-foot"), /个来源.*条证据/);
  },

  async "the chosen incident shows its evidence on the time line with its interval and reason"(page) {
    await page.waitForSelector(".mark .interval", { timeout: 15000 });
    const marks = await page.$$eval(".mark", (found) => found.map((mark) => mark.getAttribute("aria-label")));
    assert.ok(marks.length >= 1);
    for (const label of marks) assert.match(label, /±/);
    const detail = await page.textContent(".evidence-detail");
    assert.match(detail, /并入原因/);
    assert.match(detail, /\d\d:\d\d:\d\d\.\d ± /);
  },

  async "each camera shows a picture with offset, ± and clock source, or says why not"(page) {
    await waitForPictures(page);
    await page.waitForFunction(() => !document.querySelector(".tile.fetching"), null, { timeout: 30000 });
    const tiles = await page.$$eval(".tile", (found) => found.map((tile) => ({
      pictured: Boolean(tile.querySelector("img")),
      reason: tile.querySelector(".blank-reason")?.textContent ?? "",
      offset: tile.querySelector(".offset")?.textContent ?? "",
      source: tile.querySelector(".clock-source")?.textContent ?? "",
    })));
    for (const tile of tiles) {
      if (tile.pictured) {
        assert.match(tile.offset, /偏移 [−+]?\d.* s ± /);
        assert.ok(tile.source.length > 0);
      } else {
        assert.ok(tile.reason.length > 0, "a tile without picture gives no reason");
      }
    }
  },

  async "choosing another evidence moves every camera to its moment"(page) {
    if ((await page.$$(".mark")).length < 2) return "only one evidence";
    const moment = () => page.textContent("#pictures-title + .hint");
    // The mark says which; two calls of one second are of the same moment.
    const shown = () => page.getAttribute('.mark[tabindex="0"]', "data-focus");
    const latest = await moment();
    const latestShown = await shown();
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(
      (before) => document.querySelector('.mark[tabindex="0"]')?.dataset.focus !== before, latestShown);
    await page.waitForFunction(() => !document.querySelector(".tile.fetching"), null, { timeout: 30000 });
    await page.keyboard.press("l");
    assert.equal(await moment(), latest);
    return undefined;
  },

  async "the list is worked by keyboard, and Enter goes to the time line"(page) {
    await page.focus("#incident-list");
    await page.keyboard.press("End");
    const last = await page.getAttribute("#incident-list", "aria-activedescendant");
    await page.keyboard.press("Home");
    const first = await page.getAttribute("#incident-list", "aria-activedescendant");
    const rows = await page.$$eval(".row", (found) => found.map((row) => row.id));
    assert.equal(first, rows[0]);
    assert.equal(last, rows[rows.length - 1]);
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.activeElement?.classList.contains("mark")));
  },

  async "? shows the keys and Escape takes them away"(page) {
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open] .keys");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
  },

  async "English is one switch away and remembered"(page) {
    await waitForPictures(page);
    await shot(page, "wall-zh");
    await page.click("#language");
    assert.equal(await page.getAttribute("html", "lang"), "en");
    assert.match(await page.textContent(".list-head"), /Incidents/);
    await page.reload();
    await page.waitForSelector(".row", { timeout: 15000 });
    assert.match(await page.textContent(".list-head"), /Incidents/);
    await waitForPictures(page);
    await shot(page, "wall-en");
    await page.click("#language");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
  },

  async "light is one key away, and a small screen is enough"(page) {
    await page.keyboard.press("t");
    assert.equal(await page.getAttribute("html", "data-theme"), "light");
    await shot(page, "wall-light");
    await page.keyboard.press("t");
    await page.setViewportSize({ width: 1366, height: 768 });
    await waitForPictures(page);
    const overflowing = await page.evaluate(() =>
      ["html", ".incident", ".list", ".health", ".tiles"].filter((name) => {
        const { scrollWidth, clientWidth } = document.querySelector(name);
        return scrollWidth > clientWidth;
      }));
    assert.deepEqual(overflowing, [], "wider than the screen");
    await shot(page, "wall-1366");
    await page.setViewportSize({ width: 1920, height: 1080 });
  },

  async "feeds and cameras tell their health"(page) {
    await page.waitForSelector(".health .chip");
    assert.ok((await page.$$(".health section")).length === 2);
  },

  async "a lost gateway is told, with since when, and found again without a reload"(page) {
    const marked = await page.evaluate(() => (window.fgNotReloaded = true));
    await page.context().setOffline(true);
    // Chromium keeps an open WebSocket while offline: cut it from the page's side as a network would.
    await page.evaluate(() => window.fgSockets.forEach((socket) => socket.close()));
    await page.waitForSelector(".banner:not([hidden])", { timeout: 10000 });
    assert.match(await page.textContent(".banner"), /已断开 自 \d\d:\d\d:\d\d \/ disconnected since/);
    await shot(page, "wall-disconnected");
    await page.context().setOffline(false);
    await page.waitForSelector('#link-state[data-state="live"]', { timeout: 15000 });
    assert.equal(await page.isVisible(".banner"), false);
    assert.equal(await page.evaluate(() => window.fgNotReloaded), marked);
  },
};

async function run(page) {
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      const skipped = await test(page);
      console.log(`${skipped ? "skipped" : "ok"}: ${name}${skipped ? ` (${skipped})` : ""}`);
    } catch (error) {
      ++failed;
      console.error(`FAILED: ${name}\n${error.stack}`);
      await shot(page, `failed-${failed}`);
    }
  }
  return failed;
}

fs.mkdirSync(outDir, { recursive: true });
const profile = fs.mkdtempSync(path.join(os.tmpdir(), "fg-wall-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.FG_CHROMIUM ?? "/usr/bin/chromium",
  headless: true, viewport: { width: 1920, height: 1080 }, args: FLAGS,
});
let failed = 0;
try {
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.on("pageerror", (error) => {
    ++failed;
    console.error(`FAILED: the page threw ${error.stack}`);
  });
  await page.addInitScript(() => {
    window.fgSockets = [];
    const Native = window.WebSocket;
    window.WebSocket = class extends Native {
      constructor(...given) {
        super(...given);
        window.fgSockets.push(this);
      }
    };
  });
  await page.goto(url, { timeout: 120_000 });  // a browser's first page on a busy machine
  failed += await run(page);
  console.log(`${await loadedPictures(page)} pictures at the end`);
} finally {
  await browser.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
console.log(failed === 0 ? "wall: all passed" : `wall: ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
