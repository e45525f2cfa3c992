// What the browser tests share: a Chromium, a page that notices every complaint, waiting, and steps with names.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("../../web/package.json", import.meta.url));
const { chromium } = createRequire(web)("playwright-core");

export const patience = 40_000;

export async function open(url, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Chromium's own sandbox does not start as root, as tests in a container run.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
    ...options,
  });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`page: ${error.stack}`));
  page.on("console", (message) => {
    // A refused request is told of by the page itself; the tests look at that.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol.startsWith("http") && to.origin !== new URL(url).origin) {
      complaints.push(`asks elsewhere: ${request.url()}`);
    }
  });
  await page.goto(url);
  return { browser, context, page, complaints };
}

export function assert(truth, text) {
  if (!truth) throw new Error(text);
}

export function equal(found, wanted, text) {
  if (found !== wanted) {
    throw new Error(`${text}: found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  }
}

/** Waits until `look` gives something true, and gives that. */
export async function until(look, text) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${text}: not in ${patience / 1000} s; last: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs the steps one after the other; a step that fails leaves a picture and does not stop the others. */
export async function run(page, complaints, steps, shots) {
  let failed = 0;
  for (const [name, step] of Object.entries(steps)) {
    const started = Date.now();
    complaints.length = 0;
    try {
      await step();
      if (complaints.length > 0) throw new Error(complaints.join("\n"));
      console.log(`ok    ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}: ${error.stack}`);
      const picture = `${shots}/failed-${name.replaceAll(/\W+/g, "-")}.png`;
      await page.screenshot({ path: picture });
      console.log(`      ${picture}`);
      // Where nothing is shown, no other step has anything to do.
      if (name === Object.keys(steps)[0]) break;
    }
  }
  return failed;
}
