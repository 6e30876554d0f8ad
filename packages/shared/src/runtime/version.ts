/** What hello-ok, /health and `moltbot --version` say. */
export const VERSION = '0.1.0';
