import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ['moltbot-source', 'browser', 'module', 'import', 'default'] },
  build: {
    target: 'es2022',
    outDir: 'dist',
    assetsDir: 'assets',
    // @NOTE nothing may be inlined: the page is served under a CSP without 'unsafe-inline' or data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
