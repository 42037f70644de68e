// What the page knows, and who wants to hear that it changed. Incidents only ever go forward: an
// older revision than known is what a resumed stream tells again.

import {
  byUrgency, evidenceKey, inTimeOrder, isClosed,
  type Camera, type CameraStatus, type Evidence, type FeedStatus, type Incident, type StreamRecord,
} from "./model";

const CLOSED_KEPT = 200;

export type Change = "incidents" | "incident" | "choice" | "health" | "watermark";

export class Store {
  readonly incidents = new Map<string, Incident>();
  readonly feeds = new Map<string, FeedStatus>();
  readonly cameras = new Map<string, Camera>();
  settledThrough = "";
  blockerFeedId = "";
  clockSynchronised = true;
  showClosed = false;
  ready = false;
  camerasKnown = false;

  chosenId: string | null = null;
  // The evidence whose moment is shown; null follows the latest.
  chosenEvidence: string | null = null;

  private listeners: ((change: Change) => void)[] = [];

  onChange(listener: (change: Change) => void) {
    this.listeners.push(listener);
  }
  private tell(change: Change) {
    for (const listener of this.listeners) listener(change);
  }

  // The state as of a moment replaces what was known, except what is already newer.
  begin(incidents: Incident[]) {
    const before = new Map(this.incidents);
    this.incidents.clear();
    for (const incident of incidents) {
      const known = before.get(incident.incidentId);
      const newer = known && Number(known.revision ?? 0) > Number(incident.revision ?? 0);
      this.incidents.set(incident.incidentId, newer ? known : incident);
    }
    this.ready = true;
    this.chooseIfNone();
    this.tell("incidents");
    this.tell("incident");
  }

  apply(records: StreamRecord[]) {
    const changes = new Set<Change>();
    for (const record of records) {
      if (record.incident && this.takeIncident(record.incident)) {
        changes.add("incidents");
        if (record.incident.incidentId === this.chosenId) changes.add("incident");
      }
      if (record.feed) {
        this.feeds.set(record.feed.feedId, record.feed);
        changes.add("health");
      }
      if (record.camera) {
        this.takeCameraStatus(record.camera);
        changes.add("health");
      }
      if (record.clock) {
        this.clockSynchronised = record.clock.synchronised ?? false;
        changes.add("health");
      }
      if (record.watermark) {
        this.settledThrough = record.watermark.settledThrough ?? "";
        this.blockerFeedId = record.watermark.blockerFeedId ?? "";
        changes.add("watermark");
      }
    }
    if (changes.has("incidents")) {
      this.forgetOldClosed();
      if (this.chooseIfNone()) changes.add("incident");
    }
    for (const change of changes) this.tell(change);
  }

  // True when it was news.
  takeIncident(incident: Incident): boolean {
    const known = this.incidents.get(incident.incidentId);
    if (known && Number(known.revision ?? 0) >= Number(incident.revision ?? 0)) return false;
    this.incidents.set(incident.incidentId, incident);
    return true;
  }

  private takeCameraStatus(status: CameraStatus) {
    const known = this.cameras.get(status.cameraId) ?? { cameraId: status.cameraId };
    this.cameras.set(status.cameraId, { ...known, status });
  }

  setHealth(cameras: Camera[], feeds: FeedStatus[]) {
    this.camerasKnown = true;
    this.cameras.clear();
    this.feeds.clear();
    for (const camera of cameras) this.cameras.set(camera.cameraId, camera);
    for (const feed of feeds) this.feeds.set(feed.feedId, feed);
    this.tell("health");
    this.tell("incident");
  }

  setShowClosed(show: boolean) {
    this.showClosed = show;
    this.tell("incidents");
  }

  listed(): Incident[] {
    return [...this.incidents.values()]
      .filter((incident) => this.showClosed || !isClosed(incident) || incident.incidentId === this.chosenId)
      .sort(byUrgency);
  }

  chosen(): Incident | undefined {
    return this.chosenId === null ? undefined : this.incidents.get(this.chosenId);
  }

  choose(incidentId: string) {
    if (this.chosenId === incidentId) return;
    this.chosenId = incidentId;
    this.chosenEvidence = null;
    this.tell("choice");
    this.tell("incident");
  }

  chooseEvidence(key: string | null) {
    if (this.chosenEvidence === key) return;
    this.chosenEvidence = key;
    this.tell("incident");
  }

  // The evidence whose moment is shown now.
  shownEvidence(): Evidence | undefined {
    const all = inTimeOrder(this.chosen()?.evidence ?? []);
    const chosen = all.find((evidence) => evidenceKey(evidence) === this.chosenEvidence);
    return chosen ?? all[all.length - 1];
  }

  private chooseIfNone(): boolean {
    if (this.chosen()) return false;
    this.chosenId = [...this.incidents.values()].sort(byUrgency)[0]?.incidentId ?? null;
    this.chosenEvidence = null;
    return this.chosenId !== null;
  }

  private forgetOldClosed() {
    const closed = [...this.incidents.values()].filter(isClosed).sort(byUrgency);
    for (const incident of closed.slice(CLOSED_KEPT)) {
      if (incident.incidentId !== this.chosenId) this.incidents.delete(incident.incidentId);
    }
  }
}
