// The connection to the gateway: follows the live stream, notices silence, resumes from the last
// seq by itself. One WebSocket at a time.

import type { Incident, StreamMessage, StreamRecord } from "./model";

const SILENCE_MAX_MS = 6000; // the gateway's heartbeat comes every 2 s
const RETRY_MIN_MS = 400;
const RETRY_MAX_MS = 5000;

export type LinkState = "connecting" | "live" | "lost";

export interface LinkEvents {
  snapshot(incidents: Incident[]): void;
  records(records: StreamRecord[]): void;
  // `since`: when the gateway was last heard of, ms.
  state(state: LinkState, since: number): void;
}

export class Link {
  seq: number | null = null;
  state: LinkState = "connecting";

  private socket: WebSocket | null = null;
  private journalId = "";
  private heardAt = Date.now();
  private openedAt = 0;
  private retryMs = RETRY_MIN_MS;

  constructor(private readonly events: LinkEvents) {
    this.open();
    setInterval(() => this.watch(), 500);
  }

  private open() {
    const url = new URL("/ws/stream", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("stream", "live");
    if (this.seq !== null) {
      url.searchParams.set("after", String(this.seq));
      url.searchParams.set("journal_id", this.journalId);
    }
    const socket = new WebSocket(url);
    this.socket = socket;
    this.openedAt = Date.now();
    socket.onmessage = (event) => {
      if (socket === this.socket) this.take(JSON.parse(event.data as string) as StreamMessage);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.retry();
    };
  }

  private take(message: StreamMessage) {
    this.heardAt = Date.now();
    this.retryMs = RETRY_MIN_MS;
    if (message.snapshot) {
      this.journalId = message.snapshot.journalId ?? "";
      this.seq = Number(message.snapshot.throughSeq ?? 0);
      this.events.snapshot(message.snapshot.incidents ?? []);
    }
    if (message.records) {
      this.journalId = message.records.journalId ?? this.journalId;
      this.seq = Number(message.records.throughSeq ?? 0);
      const records = message.records.records ?? [];
      if (records.length > 0) this.events.records(records);
    }
    if (this.state !== "live") this.become("live");
  }

  private become(state: LinkState) {
    this.state = state;
    this.events.state(state, this.heardAt);
  }

  private watch() {
    const silentSince = Math.max(this.heardAt, this.openedAt);
    if (this.socket && Date.now() - silentSince > SILENCE_MAX_MS) this.retry();
  }

  private retry() {
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.become("lost");
    setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(RETRY_MAX_MS, this.retryMs * 1.7);
  }
}
