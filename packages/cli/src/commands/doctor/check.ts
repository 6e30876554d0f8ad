/** `problem` something does not work · `warning` it works and deserves a look. */
export type Level = 'ok' | 'warning' | 'problem' | 'fixed';
export type Check = Readonly<{ level: Level; text: string; nextStep?: string }>;
export type Section = Readonly<{ title: string; checks: readonly Check[] }>;

export const ok = (text: string): Check => ({ level: 'ok', text });
export const fixed = (text: string): Check => ({ level: 'fixed', text });
export const warning = (text: string, nextStep?: string): Check => check('warning', text, nextStep);
export const problem = (text: string, nextStep?: string): Check => check('problem', text, nextStep);

const check = (level: Level, text: string, nextStep: string | undefined): Check => ({
  level,
  text,
  ...(nextStep !== undefined && { nextStep }),
});
