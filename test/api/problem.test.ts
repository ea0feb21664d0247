/** Errors as problem details: what the table says is what a caller is told. */
import { describe, expect, it } from 'vitest';
import { problemOf, problemOfError, retryAfterS } from '../../src/api/problem.js';
import { ERRORS, type ErrorCode, KilldeerError } from '../../src/errors.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];

describe('Retry-After', () => {
  it('is told for every 429 and 503 that may pass by itself, and for nothing else', () => {
    const mayPass = CODES.filter((code) => ERRORS[code].retry && [429, 503].includes(ERRORS[code].status));
    expect(mayPass).toEqual(expect.arrayContaining(['kafka.unreachable', 'store.unreachable', 'log.disk-full']));
    expect(CODES.filter((code) => retryAfterS(code) !== null).sort()).toEqual([...mayPass].sort());
  });

  it('is a whole number of seconds, at most a minute', () => {
    for (const code of CODES) {
      const waitS = retryAfterS(code);
      if (waitS !== null)
        expect([code, Number.isInteger(waitS), waitS >= 1, waitS <= 60]).toEqual([code, true, true, true]);
    }
  });
});

describe('problemOfError', () => {
  it("speaks in the table's words and in those of the error", () => {
    expect(problemOfError(new KilldeerError('kafka.unreachable', 'no broker of a:9092 answers'), 'r-1')).toEqual({
      type: 'urn:killdeer:kafka.unreachable',
      title: 'unreachable',
      status: 503,
      detail: 'no broker of a:9092 answers',
      code: 'kafka.unreachable',
      retry: true,
      next: ERRORS['kafka.unreachable'].next,
      instance: 'urn:uuid:r-1',
    });
  });

  it('tells nothing of a fault of ours', () => {
    for (const error of [
      new TypeError('secret path'),
      new KilldeerError('api.internal', 'secret path'),
      'secret path',
    ]) {
      const problem = problemOfError(error, 'r-1');
      expect(problem).toMatchObject({ status: 500, code: 'api.internal' });
      expect(JSON.stringify(problem)).not.toContain('secret');
    }
  });

  it('names each member that is wrong', () => {
    const errors = [{ member: 'body/action', message: 'unknown' }];
    expect(problemOf('api.invalid', 'body/action: unknown', '', errors).errors).toEqual(errors);
    expect(problemOf('api.invalid', 'no', '')).not.toHaveProperty('errors');
  });
});
