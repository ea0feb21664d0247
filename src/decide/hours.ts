/**
 * Opening hours in a time zone. The zone's own calendar says which local minute an instant falls into, so that summer
 * time needs no rule here; asked once a minute at most, since the answer cannot change within one.
 */
import { DAYS, type Day, type Hours } from './intent.js';

const MINUTE_MS = 60_000;

/** Whether the time zone is one that this program knows. */
export function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Hours, ready to be asked. */
export class OpenHours {
  readonly hours: Hours;
  private readonly format: Intl.DateTimeFormat;
  private minute = Number.NaN;
  private open = false;

  constructor(hours: Hours) {
    this.hours = hours;
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    this.format = new Intl.DateTimeFormat('en-GB', { ...parts, timeZone: hours.zone });
  }

  /** Whether calls are allowed at this instant, ms since the epoch. */
  isOpen(nowMs: number): boolean {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.minute) {
      this.minute = minute;
      this.open = this.look(minute * MINUTE_MS);
    }
    return this.open;
  }

  private look(atMs: number): boolean {
    const { days, fromMinute, toMinute } = this.hours;
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
    for (const { type, value } of this.format.formatToParts(atMs)) part[type] = value;
    const day = DAYS.indexOf(part.weekday?.toLowerCase() as Day);
    const minute = Number(part.hour) * 60 + Number(part.minute);
    const isOn = (index: number) => days.includes(DAYS[(index + DAYS.length) % DAYS.length]);
    if (fromMinute < toMinute) return isOn(day) && minute >= fromMinute && minute < toMinute;
    // Past midnight: the day is the one on which the hours began.
    return (isOn(day) && minute >= fromMinute) || (isOn(day - 1) && minute < toMinute);
  }
}
