// The messages the page reads, in protobuf's JSON mapping: defaults are left out, 64-bit numbers
// are strings, instants RFC 3339, spans "1.5s".

export interface Stamp {
  utc?: string;
  uncertainty?: string;
  source?: string;
  epoch?: string;
}

export interface Position {
  latitude?: number;
  longitude?: number;
  uncertaintyM?: number;
  originalCrs?: string;
}

export interface FetchedAttachment {
  attachment?: { role?: string; mediaType?: string; sizeBytes?: string; digest?: { alg?: string; value?: string } };
  failure?: string;
}

export interface Evidence {
  reportId: string;
  feedId: string;
  kind?: string;
  aligned?: Stamp;
  score?: number;
  why?: string;
  action?: string;
  severity?: string;
  summary?: string;
  repeatCount?: number;
  attachments?: FetchedAttachment[];
}

export interface FrameRef {
  frameId: string;
  captured?: Stamp;
  offset?: string;
  keyframe?: boolean;
  reportId?: string;
  feedId?: string;
}

export interface IncidentCamera {
  cameraId: string;
  rank?: number;
  why?: string;
  frames?: FrameRef[];
}

export interface Incident {
  incidentId: string;
  revision?: string;
  state?: string;
  classCode?: string;
  suggestedGrade?: string;
  confirmedGrade?: string;
  confidence?: number;
  started?: Stamp;
  updated?: Stamp;
  position?: Position;
  districtCode?: string;
  evidence?: Evidence[];
  evidenceCount?: string;
  cameras?: IncidentCamera[];
  related?: { incidentId: string; relation?: string; why?: string }[];
  mergedInto?: string;
  drill?: boolean;
  drillId?: string;
  change?: { what?: string; cause?: string; actor?: string; note?: string };
  severity?: string;
  title?: string;
  siteId?: string;
}

export interface FeedStatus {
  feedId: string;
  state?: string;
  note?: string;
  accepted?: string;
  rejected?: string;
  late?: string;
}

export interface CameraStatus {
  cameraId: string;
  state?: string;
  note?: string;
  clockSource?: string;
  uncertainty?: string;
  frameRate?: number;
  width?: number;
  height?: number;
  reconnectCount?: string;
}

export interface Camera {
  cameraId: string;
  name?: string;
  role?: string;
  siteId?: string;
  status?: CameraStatus;
  held?: { oldest: string; newest: string };
}

export interface StreamRecord {
  seq?: string;
  incident?: Incident;
  feed?: FeedStatus;
  camera?: CameraStatus;
  watermark?: { settledThrough?: string; blockerFeedId?: string };
  clock?: { synchronised?: boolean; errorMax?: string };
}

export interface StreamMessage {
  records?: { journalId?: string; fromSeq?: string; throughSeq?: string; records?: StreamRecord[] };
  snapshot?: { journalId?: string; throughSeq?: string; incidents?: Incident[] };
  outOfRange?: { oldestSeq?: string };
  error?: { code?: string; message?: string };
}

export interface Problem {
  title?: string;
  detail?: string;
  oldest?: string;
  newest?: string;
}

const CLOSED = new Set([
  "ARCHIVED", "FALSE_ALARM", "MERGED", "TRANSFERRED", "EXPIRED", "CLOSED",
]);
const SEVERITIES = ["SEVERITY_UNSPECIFIED", "INFO", "MINOR", "MODERATE", "SEVERE", "EXTREME"];

export const isClosed = (incident: Incident) => CLOSED.has(incident.state ?? "");
export const severityOf = (severity: string | undefined) =>
  Math.max(0, SEVERITIES.indexOf(severity ?? ""));
export const sourceCount = (incident: Incident) =>
  new Set((incident.evidence ?? []).map((evidence) => evidence.feedId)).size;
export const evidenceKey = (evidence: { feedId?: string; reportId?: string }) =>
  `${evidence.feedId}/${evidence.reportId}`;

// Where the gateway answers what it kept of an attachment; none if it kept nothing.
export function attachmentAddress({ attachment }: FetchedAttachment): string | null {
  const digest = attachment?.digest;
  if (!digest?.value) return null;
  const hex = [...atob(digest.value)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return `/api/v1/attachments/${digest.alg}-${hex}`;
}

// A title that ends in the raw number of a measuring point, or what its bound left of one: what can be
// read, and that number.
export function titleParts(incident: Incident): { text: string; device: string } {
  const title = incident.title || incident.incidentId;
  const parts = /^(.*\S)\s+((?=\S*\d)(?:[0-9A-Z]{18,}|[0-9A-Z]{3,}…))$/.exec(title);
  return { text: parts?.[1] ?? title, device: parts?.[2] ?? "" };
}

export const inTimeOrder = (evidence: Evidence[]) =>
  [...evidence].sort((a, b) => (a.aligned?.utc ?? "").localeCompare(b.aligned?.utc ?? ""));

// What an operator should look at first: open before closed, graver first, not yet verified before
// what is in hand, then what moved last.
export function byUrgency(a: Incident, b: Incident): number {
  return (
    Number(isClosed(a)) - Number(isClosed(b)) ||
    severityOf(b.severity) - severityOf(a.severity) ||
    Number(b.state === "UNVERIFIED") - Number(a.state === "UNVERIFIED") ||
    (b.updated?.utc ?? "").localeCompare(a.updated?.utc ?? "") ||
    a.incidentId.localeCompare(b.incidentId)
  );
}
