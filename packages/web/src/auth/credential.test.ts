import { beforeEach, describe, expect, test, vi } from 'vitest';
import { forgetToken, storedToken, storeToken, takeTokenFromAddress } from './credential.ts';

function memoryStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    clear: () => kept.clear(),
    getItem: (key) => kept.get(key) ?? null,
    key: (at) => [...kept.keys()][at] ?? null,
    removeItem: (key) => void kept.delete(key),
    setItem: (key, value) => void kept.set(key, value),
  };
}

beforeEach(() => {
  vi.stubGlobal('sessionStorage', memoryStorage());
  vi.stubGlobal('localStorage', memoryStorage());
  return () => vi.unstubAllGlobals();
});

function address(href: string): { taken: string | undefined; left: string } {
  let left = href;
  const history = {
    state: null,
    replaceState: (_state: unknown, _title: string, url: URL) => (left = url.href),
  };
  const taken = takeTokenFromAddress({ href } as Location, history as unknown as History);
  return { taken, left };
}

describe('the token in the address', () => {
  test('is taken and removed, and nothing else is', () => {
    expect(address('https://chat.example/?lang=en&token=mbt_1_x#/chat/a')).toEqual({
      taken: 'mbt_1_x',
      left: 'https://chat.example/?lang=en#/chat/a',
    });
  });

  test('is removed when it is empty too', () => {
    expect(address('https://chat.example/?token=')).toEqual({
      taken: undefined,
      left: 'https://chat.example/',
    });
  });

  test('is not looked for in an address without one', () => {
    expect(address('https://chat.example/#token=1')).toEqual({
      taken: undefined,
      left: 'https://chat.example/#token=1',
    });
  });
});

describe('a stored token', () => {
  test('lives in the tab unless the person wants to be remembered', () => {
    storeToken('a', false);
    expect([sessionStorage.length, localStorage.length]).toEqual([1, 0]);
    expect(storedToken()).toBe('a');
    storeToken('b', true);
    expect([sessionStorage.length, localStorage.length]).toEqual([0, 1]);
    expect(storedToken()).toBe('b');
  });

  test('is gone from both places after signing out', () => {
    storeToken('a', true);
    sessionStorage.setItem('moltbot.token', 'b');
    forgetToken();
    expect(storedToken()).toBeUndefined();
  });
});
