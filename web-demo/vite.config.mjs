import { defineConfig } from 'vite'

// Relative addresses, so that the built folder works at any path of any server.
export default defineConfig({
  base: './',
  build: { target: 'es2022', sourcemap: true, assetsInlineLimit: 0 },
  server: { host: '127.0.0.1', strictPort: true },
})
