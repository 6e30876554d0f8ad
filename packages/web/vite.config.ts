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
    rolldownOptions: {
      output: {
        // What changes only with a library's version stays in the browser's cache across our releases.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            {
              name: 'words',
              test: /node_modules[\\/](i18next|react-i18next|i18next-browser-languagedetector)[\\/]/,
            },
            { name: 'schema', test: /node_modules[\\/]zod[\\/]/ },
            { name: 'markdown', test: /node_modules/ },
          ],
        },
      },
    },
  },
});
