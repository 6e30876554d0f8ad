import { describe, expect, test } from 'vitest';
import { isPast, placeId, resumeOf } from './place.ts';

const request = (headers: Readonly<Record<string, string>>) => ({
  get: (name: string) => headers[name] as never,
});
const seen = (id: string) =>
  resumeOf(request({ 'idempotency-key': 'k', 'last-event-id': id })).after ?? { cursor: '', frame: 0 };

describe('a stream goes on behind the frame that was seen last', () => {
  test.each([
    ['7-2', '7-3', true],
    ['7-9', '7-10', true],
    ['7-10', '7-9', false],
    ['7-2', '7-2', false],
    ['7-2', '7-2.2', true],
    ['7-2.2', '7-2.2', false],
    ['7-2.3', '7-2.2', false],
    ['7-2.3', '8-1', true],
    ['1795634684474-9', '1795634684475-1', true],
  ])('after %s comes %s: %s', (last, next, comes) => {
    expect(isPast(seen(next), seen(last))).toBe(comes);
    expect(placeId(seen(next))).toBe(next);
  });

  test('what opens a stream is not said again', () => {
    expect(isPast({ cursor: '', frame: 1 }, seen('7-2'))).toBe(false);
  });
});

describe('Last-Event-ID', () => {
  test('without it, or with an empty one, everything is said', () => {
    expect(resumeOf(request({ 'idempotency-key': 'k' }))).toEqual({ mayReturn: true, after: undefined });
    expect(resumeOf(request({ 'last-event-id': ' ' }))).toEqual({ mayReturn: false, after: undefined });
  });

  test('belongs to an idempotency key', () => {
    expect(() => resumeOf(request({ 'last-event-id': '7-2' }))).toThrow('Idempotency-Key');
  });

  test.each(['x', '7', '7-2.', '7-2.x', '-1', '7-2-3', '9'.repeat(30) + '-1'])('%s is no place', (id) => {
    expect(() => seen(id)).toThrow('ask again without Last-Event-ID');
  });
});
