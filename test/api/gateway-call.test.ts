import { describe, expect, it } from 'vitest';
import { endpointOf } from '../../src/api/gateway-call.js';

describe('the endpoint of a call through a proxy', () => {
  it.each([
    ['API.example.com', '/customers/7?token=secret', 'api.example.com/customers/7'],
    ['api.example.com:8080', '/', 'api.example.com:8080/'],
    ['api.example.com', '/open/../admin', 'api.example.com/admin'],
    ['api.example.com', '/open/%2e%2E/admin', 'api.example.com/admin'],
    ['api.example.com', '/open/..\\admin', 'api.example.com/admin'],
    ['api.example.com', '//other.example.com/x', 'api.example.com//other.example.com/x'],
    ['api.example.com', '/a#/admin', 'api.example.com/a'],
    ['api.example.com', '', 'api.example.com/'],
  ])('%s %s is %s', (host, target, endpoint) => {
    expect(endpointOf(host, target)).toBe(endpoint);
  });

  it('is cut where it is longer than the name of an endpoint may be', () => {
    expect(endpointOf('h', `/${'a'.repeat(400)}`)).toHaveLength(256);
  });

  it.each([
    [undefined, '/x'],
    ['a b', '/x'],
    ['h@evil', '/x'],
    ['h/evil', '/x'],
  ])('is none for the host %s', (host, target) => {
    expect(() => endpointOf(host, target)).toThrow('make no address');
  });
});
