import { defineConfig } from 'vite'

import { shell } from './shell/shell.mjs'

// Relative addresses, so that the built folder works at any path of any server.
export default defineConfig({
  base: './',
  plugins: [shell()],
  build: {
    target: 'es2022',
    sourcemap: true,
    assetsInlineLimit: 0,
    rollupOptions: { input: ['index.html', 'relations.html', 'changes.html'] },
  },
  server: { host: '127.0.0.1', strictPort: true, proxy: { '/v1': 'http://127.0.0.1:8080', '/edit': 'http://127.0.0.1:8080' } },
})
