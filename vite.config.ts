import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The console: pages for a browser, from src/console to dist/console, which the API serves (src/api/console-files.ts). */
export default defineConfig({
  root: at('src/console'),
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: at('dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the pages lets no data of a script or a style stand in the page itself.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
});
