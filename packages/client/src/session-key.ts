const DEFAULT_AGENT = 'main';
const DEFAULT_MAIN_KEY = 'main';

type Defaults = Readonly<{ mainKey?: unknown; defaultAgentId?: unknown }> | undefined;

/** `main`, the configured main key and `agent:<id>:main` are one session; a bare key belongs to the default agent. */
export function canonicalKey(key: string, defaults: Defaults): string {
  const agent = typeof defaults?.defaultAgentId === 'string' ? defaults.defaultAgentId : DEFAULT_AGENT;
  const mainKey = typeof defaults?.mainKey === 'string' ? defaults.mainKey : DEFAULT_MAIN_KEY;
  const wanted = key.trim().toLowerCase();
  const [, owner = agent, bare = wanted] = /^agent:([^:]+):(.+)$/.exec(wanted) ?? [];
  return `agent:${owner}:${bare === DEFAULT_MAIN_KEY ? mainKey : bare}`;
}
