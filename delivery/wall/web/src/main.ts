// Puts the page together: top bar, banner, list, incident, health, keys.

import { Actions, modal } from "./actions";
import { h, refill } from "./dom";
import { Health } from "./health";
import { IncidentView } from "./incident";
import { Link, type LinkState } from "./link";
import { IncidentList } from "./list";
import { isClosed, type Camera, type FeedStatus, type Incident } from "./model";
import { Store } from "./store";
import { code, currentLanguage, feedName, loadNames, setLanguage, t, type Language } from "./text";
import { clockTime, parseInstant } from "./time";

const HEALTH_EVERY_MS = 5000;
const NOTICE_MS = 6000;

class Page {
  private readonly store = new Store();
  private readonly top = h("header", { class: "top" });
  private readonly banner = h("div", { class: "banner", role: "alert", hidden: true });
  private readonly notice = h("div", { class: "notice", role: "status" });
  private readonly announcer = h("div", { class: "unseen", "aria-live": "polite" });
  private readonly now = h("time", { class: "num clock" });
  private readonly settled = h("span", { class: "num settled" });
  private readonly linkLamp = h("span", { class: "link-state", id: "link-state" });
  private readonly actions = new Actions(this.store, (text, bad) => this.say(text, bad));
  private readonly view = new IncidentView(this.store, this.actions);
  private readonly list = new IncidentList(this.store, () => this.view.timeline.focusShown());
  private readonly health = new Health(this.store);
  private readonly known = new Map<string, string>();
  private link: Link | null = null;
  private lostAt = 0;
  private noticeTimer = 0;

  async start() {
    setLanguage(localStorage.getItem("language") === "en" ? "en" : "zh");
    setTheme(localStorage.getItem("theme"));
    document.body.replaceChildren(
      this.top, this.banner,
      h("div", { class: "body" }, this.list.element, this.view.element),
      this.health.element, this.notice, this.announcer,
    );
    this.store.onChange((change) => {
      if (change === "incidents") this.announce();
      if (change === "watermark" || change === "health") this.drawSettled();
    });
    document.addEventListener("keydown", (event) => this.onKey(event));
    setInterval(() => this.tick(), 250);
    await loadNames().catch(() => undefined);
    this.drawAll();
    this.link = new Link({
      snapshot: (incidents) => this.store.begin(incidents),
      records: (records) => this.store.apply(records),
      state: (state, since) => this.onLink(state, since),
    });
    setInterval(() => void this.readHealth(), HEALTH_EVERY_MS);
  }

  private drawAll() {
    document.title = `${t("wall")} · Fusion Gateway`;
    this.drawTop();
    this.drawBanner();
    this.list.redraw();
    this.view.draw();
    this.health.draw();
    this.tick();
  }

  private drawTop() {
    const language = h("button", { "data-focus": "language", id: "language", title: t("switchLanguageHint") }, t("switchLanguage"));
    language.addEventListener("click", () => this.switchLanguage());
    const theme = h("button", { class: "icon", "aria-label": t("theme"), title: t("theme"), "data-focus": "theme" }, "◐");
    theme.addEventListener("click", switchTheme);
    const help = h("button", { class: "icon", "aria-label": t("help"), title: t("help"), "data-focus": "help" }, "?");
    help.addEventListener("click", showHelp);
    refill(
      this.top,
      h("div", { class: "brand" }, h("strong", {}, t("wall")), h("span", { class: "muted" }, t("brand"))),
      this.settled,
      this.linkLamp,
      h("span", { class: "clock-box" }, this.now, h("span", { class: "muted" }, t("beijingTime"))),
      h("div", { class: "buttons" }, language, theme, help),
    );
    this.drawLink();
    this.drawSettled();
  }

  private drawLink() {
    const state: LinkState = this.link?.state ?? "connecting";
    this.linkLamp.dataset["state"] = state;
    const word = state === "live" ? "live" : state === "lost" ? "disconnected" : "connecting";
    refill(this.linkLamp, h("span", { class: "lamp", "aria-hidden": "true" }), t(word));
  }

  private drawSettled() {
    const through = parseInstant(this.store.settledThrough);
    const blocker = this.store.blockerFeedId;
    this.settled.textContent = [
      Number.isNaN(through) ? "" : `${t("settledThrough")} ${clockTime(through)}`,
      blocker && `${t("waitsFor")} ${feedName(blocker)}`,
      !this.store.clockSynchronised && t("clockUnsynchronised"),
    ].filter(Boolean).join(" · ");
  }

  private onLink(state: LinkState, since: number) {
    this.lostAt = state === "lost" ? since : 0;
    document.body.classList.toggle("lost", state === "lost");
    this.drawBanner();
    this.drawLink();
    if (state !== "live") return;
    void this.readHealth();
    this.view.pictures.retryFailed();
  }

  // Both languages, whoever sits there: this is the one line that must be understood.
  private drawBanner() {
    this.banner.hidden = this.lostAt === 0;
    if (this.lostAt === 0) return;
    const at = clockTime(this.lostAt);
    refill(
      this.banner,
      h("strong", { class: "num" }, `已断开 自 ${at} / disconnected since ${at}`),
      h("span", {}, t("disconnectedHint")),
    );
  }

  private async readHealth() {
    if (this.link?.state !== "live") return;
    try {
      const [cameras, feeds] = await Promise.all([fetch("/api/v1/cameras"), fetch("/api/v1/feeds")]);
      if (!cameras.ok || !feeds.ok) return;
      const read = [await cameras.json(), await feeds.json()] as [{ cameras: Camera[] }, { feeds: FeedStatus[] }];
      this.store.setHealth(read[0].cameras, read[1].feeds);
    } catch {
      // The link notices that the gateway is away; this is asked again soon.
    }
  }

  private announce() {
    const first = this.known.size === 0;
    let unverified = 0;
    for (const incident of this.store.incidents.values()) {
      if (incident.state === "UNVERIFIED") ++unverified;
      const before = this.known.get(incident.incidentId);
      const state = incident.state ?? "";
      this.known.set(incident.incidentId, state);
      if (!first && before !== state) this.announceOne(incident, before === undefined);
    }
    document.title = `${unverified ? `(${unverified}) ` : ""}${t("wall")} · Fusion Gateway`;
  }

  private announceOne(incident: Incident, isNew: boolean) {
    if (isNew && isClosed(incident)) return;
    const title = incident.title || incident.incidentId;
    this.announcer.textContent = isNew
      ? t("newIncident", title)
      : t("changedIncident", title, code(incident.state));
  }

  private say(text: string, bad: boolean) {
    this.notice.textContent = text;
    this.notice.className = bad ? "notice shown bad" : "notice shown";
    clearTimeout(this.noticeTimer);
    this.noticeTimer = window.setTimeout(() => (this.notice.className = "notice"), NOTICE_MS);
  }

  private tick() {
    const text = clockTime(Date.now());
    if (this.now.textContent !== text) this.now.textContent = text;
  }

  private switchLanguage() {
    const to: Language = currentLanguage() === "zh" ? "en" : "zh";
    setLanguage(to);
    localStorage.setItem("language", to);
    // What was said in the other language has been heard.
    this.announcer.textContent = "";
    this.notice.className = "notice";
    this.notice.textContent = "";
    this.drawAll();
  }

  private onKey(event: KeyboardEvent) {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const keys: Record<string, () => void> = {
      j: () => this.list.move(1),
      k: () => this.list.move(-1),
      ArrowDown: () => this.list.move(1),
      ArrowUp: () => this.list.move(-1),
      Enter: () => this.view.timeline.focusShown(),
      ArrowRight: () => this.view.timeline.step(1),
      ArrowLeft: () => this.view.timeline.step(-1),
      l: () => this.store.chooseEvidence(null),
      a: () => this.actions.start("accept"),
      f: () => this.actions.start("false_alarm"),
      c: () => this.actions.start("close"),
      g: () => this.switchLanguage(),
      t: switchTheme,
      "?": showHelp,
    };
    const digit = /^[1-9]$/.test(key) ? Number(key) : 0;
    const run = digit ? () => this.view.pictures.enlarge(digit - 1) : keys[key];
    if (!run || (key === "Enter" && isControl(event.target))) return;
    event.preventDefault();
    run();
  }
}

// Something that Enter works by itself.
const isControl = (target: EventTarget | null) =>
  target instanceof Element && target.closest("button, input, a") !== null;

// Dark unless somebody chose otherwise: browsers report "light" for want of a preference, and a
// control room is dark.
function setTheme(theme: string | null) {
  document.documentElement.dataset["theme"] = theme === "light" ? "light" : "dark";
}

function switchTheme() {
  const to = document.documentElement.dataset["theme"] === "light" ? "dark" : "light";
  localStorage.setItem("theme", to);
  setTheme(to);
}

function showHelp() {
  const rows = [
    ["↑ ↓ / J K", "keyList"], ["Enter", "keyOpen"], ["← →", "keyEvidence"], ["L", "keyFollow"],
    ["1 – 9", "keyCamera"], ["A / F / C", "keyActions"], ["G", "keyLanguage"], ["T", "keyTheme"],
    ["?", "keyHelp"],
  ] as const;
  modal(
    t("help"),
    h("table", { class: "keys" },
      h("tbody", {}, ...rows.map(([keys, word]) =>
        h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, keys)), h("td", {}, t(word)))))),
  );
}

void new Page().start();
