import type { MoltbotConfig } from '@moltbot/shared/contracts';

export type ListedAgent = Readonly<{
  id: string;
  name?: string;
  identity?: Readonly<Record<'name' | 'theme' | 'emoji' | 'avatar', string | undefined>>;
}>;

/** The configured agents; without any there is one, `main`. */
export function agentList(config: MoltbotConfig): ListedAgent[] {
  const { list } = config.agents;
  if (list.length === 0) return [{ id: 'main' }];
  return list.map(({ id, name, identity }) => ({
    id,
    ...(name !== undefined && { name }),
    ...(identity && { identity: identity as NonNullable<ListedAgent['identity']> }),
  }));
}

export function defaultAgentId(config: MoltbotConfig): string {
  const { list } = config.agents;
  return (list.find((agent) => agent.default === true) ?? list[0])?.id ?? 'main';
}

export const knownAgent = (config: MoltbotConfig, id: string): boolean =>
  agentList(config).some((agent) => agent.id === id.toLowerCase());
