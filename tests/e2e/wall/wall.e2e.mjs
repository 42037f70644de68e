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

const CHINESE = /[\u3400-\u9fff]/;
const BOTH_SIZES = [{ width: 1600, height: 1000 }, { width: 1280, height: 720 }];

// What stands outside of its tile or of a box that hides what overflows, and cannot be scrolled to.
const cutTexts = (page) => page.evaluate(() => {
  const found = [];
  const look = ".captured, .clock-source, .offset > *, .why, .caption-name > *, .title-line h1, " +
    ".identity, .facts dd, .chip > *, .health h4";
  for (const element of document.querySelectorAll(look)) {
    const own = element.getBoundingClientRect();
    for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(box);
      const isTile = box.classList.contains("tile");
      if (!isTile && overflowX === "visible" && overflowY === "visible") continue;
      const of = box.getBoundingClientRect();
      const wide = own.left < of.left - 1 || own.right > of.right + 1;
      const high = overflowY === "auto" ? false : own.top < of.top - 1 || own.bottom > of.bottom + 1;
      if (wide || high) found.push(`${element.className || element.tagName} "${element.textContent}" by ${box.className}`);
      if (overflowY === "auto") break;  // what is above it clips the box that scrolls, not its content
    }
    if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === "hidden") {
      found.push(`shortened: "${element.textContent}"`);
    }
  }
  return found;
});

const pictured = (page) => page.waitForFunction(
  () => document.querySelector(".tile.hero") && !document.querySelector(".tile.fetching"), null, { timeout: 30000 });

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

  async "Enter goes to the time line from wherever the page has just been opened"(page) {
    await page.evaluate(() => document.activeElement?.blur());
    assert.equal(await page.evaluate(() => document.activeElement === document.body), true);
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.activeElement?.classList.contains("mark")));
    await page.focus("#language");
    await page.keyboard.press("Enter");
    assert.equal(await page.getAttribute("html", "lang"), "en", "Enter no longer works a button");
    await page.keyboard.press("Enter");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
  },

  async "1 to 9 enlarge the camera of that number, wherever the focus is"(page) {
    const count = (await page.$$(".tile")).length;
    if (count < 2) return "only one camera";
    const hero = async () => Number(await page.textContent(".tile.hero .caption .number"));
    for (const from of ["body", ".mark[tabindex='0']", "#incident-list"]) {
      await page.evaluate((name) => {
        document.activeElement?.blur();
        document.querySelector(name).focus();
      }, from);
      for (let number = count; number >= 1; --number) {
        await page.keyboard.press(String(number));
        assert.equal(await hero(), number, `from ${from}`);
      }
    }
    await page.keyboard.press("2");
    await page.keyboard.press("9");
    assert.equal(await hero(), count < 9 ? 2 : 9, "a number without a camera changes nothing");
    await page.focus(".small-tile");
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.activeElement?.classList.contains("hero")), "focus is lost");
    await page.keyboard.press("1");
    return undefined;
  },

  async "the two scales of gravity are named and say what they measure"(page) {
    const scales = await page.$$eval(".facts .scale", (found) => found.map((scale) => ({
      name: scale.querySelector("dt").firstChild.textContent, hint: scale.title,
    })));
    assert.deepEqual(scales.map(({ name }) => name), ["报警级别", "事件等级"]);
    for (const { name, hint } of scales) assert.ok(hint.length > name.length + 5, hint);
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

  async "the English wall says the program's own sentences in English"(page) {
    await page.evaluate(() => (document.querySelector("[aria-live]").textContent = "新事件：甲"));
    await page.keyboard.press("g");
    assert.equal(await page.textContent("[aria-live]"), "", "what was announced in Chinese stays");
    const count = (await page.$$(".mark")).length;
    const said = [];
    for (let i = 0; i < count; ++i) {
      said.push(await page.textContent(".evidence-detail .why"));
      await page.keyboard.press("ArrowLeft");
    }
    said.push(...await page.$$eval(".tile .why, .chip strong, .chip-note, .chip .figure, .facts .scale",
      (found) => found.map((element) => element.textContent)));
    await page.keyboard.press("l");
    await page.keyboard.press("g");
    assert.deepEqual(said.filter((text) => CHINESE.test(text)), []);
    assert.ok(said.length > 2);
  },

  async "nothing that tells an offset, a bound, a reason or a name is cut, in either language"(page) {
    for (const size of BOTH_SIZES) {
      await page.setViewportSize(size);
      for (const language of ["zh", "en"]) {
        await pictured(page);
        const name = `${size.width}x${size.height} ${language}`;
        await shot(page, `wall-${size.width}-${language}`);
        assert.deepEqual(await cutTexts(page), [], name);
        assert.doesNotMatch(await page.textContent("h1"), /[0-9A-Z]{8,}/, "a raw number in the title");
        assert.ok(await page.evaluate(() =>
          document.querySelector(".hero .caption").getBoundingClientRect().bottom <=
          document.querySelector(".health").getBoundingClientRect().top), `${name}: the caption is out of sight`);
        await page.keyboard.press("g");
      }
    }
    await page.setViewportSize({ width: 1920, height: 1080 });
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
    const names = await page.$$eval(".health .chip-name", (found) => found.map((name) => name.textContent));
    for (const lane of await page.$$eval(".lane-label", (found) => found.map((label) => label.textContent))) {
      assert.ok(names.includes(lane), `the time line says ${lane}, the list does not`);
    }
  },

  async "red is for a feed that was lost, not for one that waits or has said goodbye"(page) {
    const { feeds } = await (await page.request.get(new URL("/api/v1/feeds", url).href)).json();
    const chips = async (mood, words) => (await page.$$eval(
      `.health section:first-child .chip.${mood}`, (found) => found.map((chip) => chip.textContent)))
      .filter((text) => words.test(text)).length;
    const isNew = (feed) => !feed.note || feed.note.includes("gateway started");
    const away = feeds.filter((feed) => feed.state === "DISCONNECTED");
    const gone = away.filter((feed) => feed.note?.includes("said bye"));
    const fresh = away.filter((feed) => isNew(feed) && !Number(feed.accepted ?? 0));
    const lost = away.filter((feed) => !isNew(feed) && !gone.includes(feed));
    assert.equal(await chips("quiet", /尚未接入/), fresh.length);
    assert.equal(await chips("quiet", /已离线（正常结束）/), gone.length);
    assert.equal(await chips("bad", /已断线/), lost.length);
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
