import { describe, expect, it } from 'vitest';
import { isRateLimited } from '../../src/event/rate-limit.js';

describe('a type of failure', () => {
  it.each([
    ...['429', '8', 'RESOURCE_EXHAUSTED', 'rate_limit_exceeded', 'RateLimitError', 'rate limit reached'],
    ...['Too Many Requests', 'TooManyRequestsException', 'ThrottlingException', 'Client.RequestLimitExceeded'],
    ...['SlowDown', 'ProvisionedThroughputExceededException', 'openai.RateLimitError'],
  ])('%s is a rate limit', (error) => {
    expect(isRateLimited(error)).toBe(true);
  });

  it.each([null, '', '400', '428', '4290', '500', '88', 'timeout', 'AccessDenied', 'LimitNotFound', 'generate'])(
    '%s is none',
    (error) => {
      expect(isRateLimited(error)).toBe(false);
    },
  );
});
