// For each camera of the chosen incident the picture nearest to the shown moment, with how far off it
// is and how sure that is; where there is none, why.

import { h, refill, type Child } from "./dom";
import {
  evidenceKey, type Camera, type Evidence, type IncidentCamera, type Problem,
} from "./model";
import { reasonOf } from "./phrases";
import type { Store } from "./store";
import { clockTime, parseInstant, parseSpan, plusMinus, signedSeconds } from "./time";
import { code, half, roleName, t } from "./text";

const KEPT_MAX = 96;
const RETRY_MS = 1000;
const RETRIES_MAX = 8;
const GAP = 10;
const CAPTION = 30; // one line of it; more where it wraps
const SIDE_MIN = 300;
const SIDE_ROW_MIN = 96;
const SIDE_TEXT_MIN = 172;

type Picture =
  | { state: "fetching" }
  | { state: "failed"; reason: string; again: boolean }
  | { state: "here"; url: string; capturedAt: string; uncertainty: number; source: string };

// Pictures by address, the latest few; fetched once each.
class PictureCache {
  private readonly kept = new Map<string, Picture>();

  constructor(private readonly onChange: () => void) {}

  get(address: string): Picture {
    const known = this.kept.get(address);
    if (known) {
      this.kept.delete(address);
      this.kept.set(address, known);
      return known;
    }
    const fetching: Picture = { state: "fetching" };
    this.put(address, fetching);
    void this.fetch(address, 0);
    return fetching;
  }

  // What failed for a passing reason is asked for again.
  forgetFailures() {
    for (const [address, picture] of this.kept) {
      if (picture.state === "failed" && picture.again) this.kept.delete(address);
    }
    this.onChange();
  }

  private put(address: string, picture: Picture) {
    this.kept.set(address, picture);
    for (const [oldest, old] of this.kept) {
      if (this.kept.size <= KEPT_MAX) break;
      if (old.state === "here") URL.revokeObjectURL(old.url);
      this.kept.delete(oldest);
    }
  }

  private async fetch(address: string, attempt: number): Promise<void> {
    let picture: Picture;
    try {
      const response = await fetch(address);
      const retry = response.headers.has("Retry-After") && attempt < RETRIES_MAX;
      if (!response.ok && retry) {
        setTimeout(() => void this.fetch(address, attempt + 1), RETRY_MS);
        return;
      }
      picture = response.ok ? await taken(response) : await refused(response);
    } catch {
      picture = { state: "failed", reason: t("gatewayAway"), again: true };
    }
    if (!this.kept.has(address)) return;
    this.put(address, picture);
    this.onChange();
  }
}

async function taken(response: Response): Promise<Picture> {
  return {
    state: "here",
    url: URL.createObjectURL(await response.blob()),
    capturedAt: response.headers.get("Captured-At") ?? "",
    uncertainty: parseSpan(response.headers.get("Captured-Uncertainty") ?? ""),
    source: response.headers.get("Clock-Source") ?? "",
  };
}

async function refused(response: Response): Promise<Picture> {
  let problem: Problem = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // Not a problem of ours: its status says enough.
  }
  const again = response.status >= 500;
  if (problem.oldest && problem.newest) {
    const range = [problem.oldest, problem.newest].map((text) => clockTime(parseInstant(text)));
    return { state: "failed", reason: `${t("notHeld")}（${t("held")} ${range.join(" – ")}）`, again: true };
  }
  return { state: "failed", reason: half(problem.detail) || `HTTP ${response.status}`, again };
}

export class Pictures {
  readonly element = h("section", { class: "pictures panel", "aria-labelledby": "pictures-title" });
  private readonly head = h("header", { class: "panel-head" });
  private readonly tiles = h("div", { class: "tiles" });
  private readonly cache = new PictureCache(() => this.draw());
  private heroId: string | null = null;
  private incidentId: string | null = null;

  constructor(private readonly store: Store) {
    this.element.append(this.head, this.tiles);
    new ResizeObserver(() => this.layOut()).observe(this.tiles);
  }

  retryFailed() {
    this.cache.forgetFailures();
  }

  // The n-th camera by rank becomes the large one.
  enlarge(index: number) {
    const camera = this.ranked()[index];
    if (!camera) return;
    this.heroId = camera.cameraId;
    this.draw();
  }

  draw() {
    const incident = this.store.chosen();
    if (incident?.incidentId !== this.incidentId) {
      this.incidentId = incident?.incidentId ?? null;
      this.heroId = null;
    }
    const evidence = this.store.shownEvidence();
    this.drawHead(evidence);
    const cameras = this.ranked();
    const hero = cameras.find((camera) => camera.cameraId === this.heroId) ?? cameras[0];
    if (!evidence || !hero) {
      refill(this.tiles, incident && h("div", { class: "empty" }, h("strong", {}, t("noCameras"))));
      return;
    }
    const others = cameras.filter((camera) => camera !== hero);
    refill(
      this.tiles,
      this.tile(hero, evidence, true, cameras.indexOf(hero)),
      others.length > 0 &&
        h("div", { class: "side" },
          ...others.map((camera) => this.tile(camera, evidence, false, cameras.indexOf(camera)))),
    );
    this.layOut();
  }

  private ranked(): IncidentCamera[] {
    return [...(this.store.chosen()?.cameras ?? [])].sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99));
  }

  private drawHead(evidence: Evidence | undefined) {
    const aligned = evidence?.aligned;
    refill(
      this.head,
      h("h3", { id: "pictures-title" }, t("pictures")),
      aligned &&
        h("span", { class: "hint num" },
          `${clockTime(parseInstant(aligned.utc), 1)} ${plusMinus(parseSpan(aligned.uncertainty))} · ` +
          code(evidence?.kind)),
    );
  }

  // As large as the room allows, at 16:9, leaving its caption whole and the others at least SIDE_MIN.
  private layOut() {
    const hero = this.tiles.querySelector<HTMLElement>(".tile.hero");
    if (!hero) return;
    const { clientWidth: width, clientHeight: height } = this.tiles;
    const side = this.tiles.querySelector<HTMLElement>(".side");
    const room = side ? width - SIDE_MIN - GAP : width;
    const caption = hero.querySelector<HTMLElement>(".caption");
    let wide = 0;
    let below = CAPTION;
    for (let pass = 0; pass < 3; ++pass) {
      wide = Math.floor(Math.max(240, Math.min(room, ((height - below) * 16) / 9)));
      this.tiles.style.setProperty("--hero-width", `${wide}px`);
      const needed = caption?.offsetHeight ?? 0;
      if (needed <= below) break;
      below = needed;
    }
    if (side) this.layOutSide(side, width - wide - GAP, height);
  }

  // One column of the others if that leaves them large enough, else two.
  private layOutSide(side: HTMLElement, width: number, height: number) {
    const count = side.childElementCount;
    const two = height / count < SIDE_ROW_MIN + GAP && width >= 2 * SIDE_MIN;
    const rows = two ? Math.ceil(count / 2) : count;
    const column = two ? (width - GAP) / 2 : width;
    const rowHeight = Math.max(SIDE_ROW_MIN, (height - GAP * (rows - 1)) / rows);
    const thumb = Math.min((rowHeight * 16) / 9, column - SIDE_TEXT_MIN);
    side.classList.toggle("two", two);
    side.style.setProperty("--thumb-width", `${Math.floor(thumb)}px`);
  }

  // Frames that the gateway looked up are addressed as such; before it has, by the moment itself.
  private addressOf(camera: IncidentCamera, evidence: Evidence): string {
    const key = evidenceKey(evidence);
    const frame = camera.frames?.find((ref) => evidenceKey(ref) === key);
    const query = frame
      ? `frame=${encodeURIComponent(frame.frameId)}`
      : `at=${encodeURIComponent(evidence.aligned?.utc ?? "")}`;
    return `/api/v1/cameras/${encodeURIComponent(camera.cameraId)}/snapshot?${query}`;
  }

  private tile(camera: IncidentCamera, evidence: Evidence, hero: boolean, index: number): HTMLElement {
    const facts = this.store.cameras.get(camera.cameraId);
    const picture = this.pictureOf(camera, facts, evidence);
    const name = facts?.name || camera.cameraId;
    const tile = h(
      hero ? "figure" : "button",
      {
        class: `tile ${hero ? "hero" : "small-tile"} ${picture.state}`,
        "data-camera": camera.cameraId, "data-focus": `tile-${camera.cameraId}`,
        tabindex: hero ? -1 : undefined, "aria-keyshortcuts": hero ? undefined : index + 1,
      },
      this.frame(picture, name, evidence),
      h(
        hero ? "figcaption" : "span",
        { class: "caption" },
        h("span", { class: "caption-name" }, h("span", { class: "number" }, index + 1), h("strong", {}, name),
          h("span", { class: "muted" }, roleName(facts?.role))),
        this.timing(picture, evidence),
        h("span", { class: "why muted" }, reasonOf(camera.why)),
      ),
    );
    if (!hero) tile.addEventListener("click", () => this.enlarge(index));
    return tile;
  }

  private pictureOf(camera: IncidentCamera, facts: Camera | undefined, evidence: Evidence): Picture {
    if (!this.store.camerasKnown) return { state: "fetching" };
    const hasFrame = camera.frames?.some((ref) => evidenceKey(ref) === evidenceKey(evidence));
    const status = facts?.status;
    if (!hasFrame && !facts?.held && (status?.state === "DOWN" || status?.state === "CONNECTING")) {
      return { state: "failed", reason: [t("cameraDown"), half(status.note)].filter(Boolean).join("：\n"), again: true };
    }
    return this.cache.get(this.addressOf(camera, evidence));
  }

  private frame(picture: Picture, name: string, evidence: Evidence): HTMLElement {
    if (picture.state === "here") {
      const alt = `${name}，${clockTime(parseInstant(picture.capturedAt), 2)}，` +
        `${t("offset")} ${this.offset(picture.capturedAt, evidence)}`;
      return h("span", { class: "frame" }, h("img", { src: picture.url, alt, draggable: "false" }));
    }
    return h(
      "span",
      { class: "frame blank" },
      picture.state === "fetching"
        ? h("span", { class: "muted" }, t("fetching"))
        : h("span", {}, h("strong", {}, t("noPicture")), h("span", { class: "blank-reason" }, picture.reason)),
    );
  }

  private timing(picture: Picture, evidence: Evidence): Child {
    if (picture.state !== "here") return null;
    const bound = picture.uncertainty + parseSpan(evidence.aligned?.uncertainty);
    return h(
      "span",
      { class: "timing num" },
      h("span", { class: "captured" }, clockTime(parseInstant(picture.capturedAt), 2), " ",
        h("span", { class: "own-bound" }, plusMinus(picture.uncertainty))),
      h("span", { class: "clock-source", "data-source": picture.source },
        code(picture.source)),
      h("span", { class: "offset", title: t("offset") },
        h("span", { class: "muted" }, t("offsetShort")), " ",
        h("span", {}, this.offset(picture.capturedAt, evidence)), " ",
        h("span", { class: "muted" }, plusMinus(bound))),
    );
  }

  private offset(capturedAt: string, evidence: Evidence): string {
    return signedSeconds((parseInstant(capturedAt) - parseInstant(evidence.aligned?.utc)) / 1000);
  }
}
