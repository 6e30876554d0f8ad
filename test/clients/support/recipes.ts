/** How each real client is brought from npm, exactly as published; only what its install needs is named. */
export type Recipe = Readonly<{
  folder: string;
  dependencies: Readonly<Record<string, string>>;
  overrides?: Readonly<Record<string, string>>;
  /** Leave this out of `--omit`: whether npm fetches the packages its dependencies call optional. */
  optionalPackages: boolean;
  /** A file that must exist afterwards, or the install is not usable. */
  provides: string;
}>;

const platform = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
const clipboardVersion = '0.3.9';

/**
 * @NOTE one of its dependencies lives in a git repository, which a registry alone cannot serve: the
 * override takes the same library from npm. Its optional packages are gigabytes of local models, so
 * they stay out, and the two of them it cannot start without are named.
 */
export const CLAWDBOT: Recipe = {
  folder: 'clawdbot-2026.1.24-3',
  dependencies: {
    clawdbot: '2026.1.24-3',
    'strip-ansi': '7.2.0',
    '@mariozechner/clipboard': clipboardVersion,
    [`@mariozechner/clipboard-${platform}`]: clipboardVersion,
  },
  overrides: { libsignal: 'npm:libsignal@6.0.0' },
  optionalPackages: false,
  provides: 'node_modules/clawdbot/dist/entry.js',
};

const openclawNode = (version: string): Recipe => ({
  folder: `openclaw-node-${version}`,
  dependencies: { 'openclaw-node': version },
  optionalPackages: true,
  provides: 'node_modules/openclaw-node/dist/index.mjs',
});

/** Speaks protocol 3. */
export const OPENCLAW_NODE_3 = openclawNode('0.1.0');
/** Speaks protocol 4. */
export const OPENCLAW_NODE_4 = openclawNode('0.14.0');
