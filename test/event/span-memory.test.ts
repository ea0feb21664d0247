import { describe, expect, it } from 'vitest';
import { createSpanMemory } from '../../src/event/span-memory.js';

describe('createSpanMemory', () => {
  it('finds the nearest other agent upwards, in the same trace alone', () => {
    const memory = createSpanMemory();
    memory.remember('t', '1', { parentId: '', agent: 'root' });
    memory.remember('t', '2', { parentId: '1', agent: null });
    memory.remember('t', '3', { parentId: '2', agent: 'worker' });
    expect(memory.delegatorOf('t', '3', 'worker')).toBe('root');
    expect(memory.delegatorOf('t', '3', 'other')).toBe('worker');
    expect(memory.delegatorOf('t', '1', 'root')).toBeNull();
    expect(memory.delegatorOf('t', '', 'root')).toBeNull();
    expect(memory.delegatorOf('u', '3', 'worker')).toBeNull();
  });

  it('forgets the spans seen first, and one that is seen again is new', () => {
    const memory = createSpanMemory(2);
    memory.remember('t', '1', { parentId: '', agent: 'a' });
    memory.remember('t', '2', { parentId: '', agent: 'b' });
    memory.remember('t', '1', { parentId: '', agent: 'a' });
    memory.remember('t', '3', { parentId: '', agent: 'c' });
    expect(memory.delegatorOf('t', '1', 'x')).toBe('a');
    expect(memory.delegatorOf('t', '2', 'x')).toBeNull();
    expect(memory.delegatorOf('t', '3', 'x')).toBe('c');
  });

  it('ends on a circle and on a way that is too long', () => {
    const memory = createSpanMemory();
    memory.remember('t', '1', { parentId: '2', agent: null });
    memory.remember('t', '2', { parentId: '1', agent: null });
    expect(memory.delegatorOf('t', '1', 'x')).toBeNull();
    memory.remember('u', '0', { parentId: '', agent: 'far' });
    for (let i = 1; i <= 100; i++) memory.remember('u', String(i), { parentId: String(i - 1), agent: null });
    expect(memory.delegatorOf('u', '50', 'x')).toBe('far');
    expect(memory.delegatorOf('u', '100', 'x')).toBeNull();
  });
});
