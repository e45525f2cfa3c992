import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/api/generated.ts"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  prettier,
  ...svelte.configs.prettier,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    files: ["**/*.ts", "**/*.svelte"],
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "no-undef": "off",
      eqeqeq: "error",
      // What is not shown need not be reactive.
      "svelte/prefer-svelte-reactivity": "off",
      "svelte/button-has-type": "error",
      // The page's content security policy blocks these; a style: directive goes through the object model.
      "no-restricted-syntax": ["error", "SvelteAttribute[key.name='style']"],
    },
  },
  {
    files: ["*.js", "*.config.ts", "test/*.mjs"],
    languageOptions: { globals: { ...globals.node } },
  },
);
