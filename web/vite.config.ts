import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// CAIRN_DEV is the address `cairn serve` printed, token and all; only `npm run dev` looks at it.
const server = process.env.CAIRN_DEV === undefined ? undefined : new URL(process.env.CAIRN_DEV);

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: true,
  },
  server: {
    proxy:
      server === undefined
        ? {}
        : {
            "/api": {
              target: server.origin,
              headers: { Authorization: `Bearer ${server.searchParams.get("token") ?? ""}` },
              changeOrigin: true,
            },
          },
  },
});
