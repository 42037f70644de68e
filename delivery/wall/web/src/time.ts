// Instants as milliseconds since 1970 (fractions kept), spans as seconds, and how both are written.

const BEIJING_MS = 8 * 3600 * 1000;

// "2026-11-23T10:00:00.123456789Z": Date keeps three of the nine decimals, this keeps them.
export function parseInstant(text: string | undefined): number {
  if (!text) return NaN;
  const fraction = /\.(\d+)/.exec(text);
  const whole = Date.parse(fraction ? text.replace(fraction[0], "") : text);
  return fraction ? whole + Number(`0.${fraction[1]}`) * 1000 : whole;
}

// "1.500s" of protobuf's mapping, or "1.5".
export function parseSpan(text: string | undefined): number {
  return text ? Number.parseFloat(text) : 0;
}

function beijing(ms: number): string {
  return new Date(ms + BEIJING_MS).toISOString();
}

// "18:00:02" or, with decimals, "18:00:02.120". An operations room reads Beijing time.
export function clockTime(ms: number, decimals = 0): string {
  if (Number.isNaN(ms)) return "–";
  const step = 1000 / 10 ** decimals;
  const text = beijing(Math.round(ms / step) * step);
  return decimals === 0 ? text.slice(11, 19) : text.slice(11, 20 + decimals);
}

export function calendarDay(ms: number): string {
  return Number.isNaN(ms) ? "–" : beijing(ms).slice(0, 10);
}

// A half-width: three significant digits at most, in a unit that suits it.
export function plusMinus(seconds: number): string {
  if (seconds < 0.0005) return "± <1 ms";
  if (seconds < 0.1) return `± ${Math.ceil(seconds * 1000)} ms`;
  if (seconds < 10) return `± ${(Math.ceil(seconds * 100) / 100).toFixed(2)} s`;
  return `± ${Math.ceil(seconds)} s`;
}

// "−0.12 s", "+1.4 s".
export function signedSeconds(seconds: number): string {
  const size = Math.abs(seconds);
  const decimals = size < 1 ? 3 : size < 10 ? 2 : 1;
  const text = size.toFixed(decimals);
  const sign = Number(text) === 0 ? "" : seconds < 0 ? "−" : "+";
  return `${sign}${text} s`;
}
