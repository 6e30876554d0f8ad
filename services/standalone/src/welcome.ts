import { DEMO_PROVIDER } from '@moltbot/config';

export type WelcomeFacts = Readonly<{
  scheme: 'http' | 'https';
  host: string;
  port: number;
  /** The gateway token when it was made here; undefined when the operator has set it. */
  madeToken: string | undefined;
  /** A person watches: else the token stays out of what may be a journal. */
  terminal: boolean;
  model: string | undefined;
  configPath: string;
  stateDir: string;
}>;

/** What a newcomer reads first: where to click, who answers, where to go on. */
export function welcome(facts: WelcomeFacts): string {
  const base = `${facts.scheme}://${facts.host === '0.0.0.0' ? '127.0.0.1' : facts.host}:${facts.port}/`;
  const link = facts.madeToken !== undefined && facts.terminal ? `${base}?token=${facts.madeToken}` : base;
  const demo = facts.model?.startsWith(`${DEMO_PROVIDER}/`) === true;
  const answers = demo
    ? 'the built-in demo model (no API key is set)'
    : (facts.model ?? 'no model yet: set agents.defaults.model');
  return [
    '',
    '  Moltbot is ready.',
    '',
    `  Open       ${link}`,
    ...(facts.madeToken === undefined ? [] : [`  Token      in ${facts.stateDir}/credentials/gateway-token`]),
    `  Answers    ${answers}`,
    ...(demo
      ? ['             for a real one: ANTHROPIC_API_KEY=… npm start, or a provider in the configuration']
      : []),
    `  Config     ${facts.configPath}`,
    `  State      ${facts.stateDir}`,
    '  Stop       Ctrl-C',
    '',
    '',
  ].join('\n');
}
