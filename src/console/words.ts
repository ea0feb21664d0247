/** Times, numbers and the API's words as people read them. */

const LOCALE = 'en-GB';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const day = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'long' });
const number = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat(LOCALE);
const money = new Intl.NumberFormat(LOCALE, {
  ...{ style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' },
  ...{ minimumFractionDigits: 2, maximumFractionDigits: 4 },
});

/** The year stands there only where it is another than this one. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  const year = date.getFullYear();
  return year === new Date().getFullYear() ? day.format(date) : `${day.format(date).replace(',', ` ${year},`)}`;
}

export function fullTimeText(ms: number): string {
  return full.format(new Date(ms));
}

/** Its name alone: how far it is from UTC depends on the day, and each time says it. */
export function zoneText(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function numberText(value: number): string {
  return Math.abs(value) >= 1_000 ? whole.format(Math.round(value)) : number.format(value);
}

export function countText(value: number, one: string, many = `${one}s`): string {
  return `${whole.format(value)} ${value === 1 ? one : many}`;
}

export function moneyText(usd: number): string {
  return money.format(usd);
}

export function durationText(ms: number): string {
  if (ms % DAY_MS === 0) return countText(ms / DAY_MS, 'day');
  if (ms % HOUR_MS === 0) return `${ms / HOUR_MS}\u00a0h`;
  return `${Math.round(ms / MINUTE_MS)}\u00a0min`;
}

/** 'false-positive' as 'false positive'. */
export function plain(word: string): string {
  return word.replaceAll('-', ' ');
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** 'person:ada' as 'ada'. */
export function actorText(actor: string): string {
  return actor.replace(/^person:/, '');
}

/** What was measured against what is usual. null: it is no number, as of laws without a mean. */
export function measuredText(observed: number | null, expected: number | null): string {
  if (observed === null) return 'not a number';
  if (expected === null || expected === 0) return `${numberText(observed)}; none is usual`;
  const ratio = observed / expected;
  const times = ratio >= 1.5 ? `, ${numberText(ratio)} times as much` : '';
  return `${numberText(observed)}; ${numberText(expected)} is usual${times}`;
}
