// Drives the Explore page in a real Chromium: explore.mjs URL SHOTS GROW..., where GROW is a command that makes another
// timeline while the page is open. test_explore.py makes the evidence and says what is in it.
import { execFile } from "node:child_process";
import { assert, equal, open, run, until } from "./browser.mjs";

const [url, shots, ...grow] = process.argv.slice(2);
const { browser, context, page, complaints } = await open(url);
const origin = new URL(url).origin;

const line = page.getByRole("combobox", { name: "Query" });
const list = page.getByRole("grid", { name: "Events" });
const rows = list.locator("[role=row][aria-selected]");
const focused = list.locator("[role=row][aria-selected=true]");
const inspector = page.getByRole("complementary", { name: "Event" });
const chips = page.getByRole("group", { name: "Filters" });
const strip = page.getByRole("slider", { name: /Events over time/ });

const number = (text) => Number(text.replaceAll(",", ""));
const total = async () => number(await page.locator(".found b").innerText());
const asked = () => new URL(page.url()).searchParams;

/** The count once it is another than before. */
const changed = (before) =>
  until(async () => ((await total()) !== before ? { n: await total() } : undefined), "count");

async function start(path = "/") {
  await page.goto(origin + path);
  await until(async () => (await rows.count()) > 0, "rows");
}

async function search(text) {
  await line.fill(text);
  await line.press("Enter");
}

async function settled() {
  await until(async () => !(await page.locator(".found.busy").count()), "answer");
}

const steps = {
  "the token leaves the address and the page shows events": async () => {
    await until(async () => (await rows.count()) > 10, "rows");
    assert(!page.url().includes("token"), "the token is still in the address");
    assert((await total()) > 0, "no events are counted");
    await until(() => strip.getAttribute("aria-valuetext").then((t) => /[1-9]/.test(t)), "strip");
  },

  "the first load is small and from here only": async () => {
    const sizes = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((e) => /\.(js|css|svg)$/.test(e.name))
        .map((e) => e.encodedBodySize),
    );
    assert(sizes.length >= 2, "no script or style was loaded");
    const sum = sizes.reduce((a, b) => a + b, 0);
    assert(sum < 300_000, `first load is ${sum} bytes`);
  },

  "a search narrows, marks its words and is in the address": async () => {
    await start();
    const all = await total();
    await search("failed password");
    const { n } = await changed(all);
    assert(n > 0 && n < all, `${n} of ${all}`);
    equal(asked().get("q"), "failed password", "q");
    await until(async () => (await list.locator("mark").count()) > 0, "marks");
    const marked = await list.locator("mark").first().innerText();
    assert(/^(failed|password)$/i.test(marked), `marked ${marked}`);
    await page.goBack();
    await until(async () => (await total()) === all, "Back shows all again");
    await page.goForward();
    await until(async () => (await total()) === n, "Forward narrows again");
  },

  "the query is coloured": async () => {
    await start();
    await line.fill('hostname:web01 AND "failed password"');
    await until(async () => (await page.locator(".under .field").count()) === 1, "field");
    equal(await page.locator(".under .operator").innerText(), "AND", "operator");
    equal(await page.locator(".under .phrase").innerText(), '"failed password"', "phrase");
    const colour = (what) => page.locator(what).evaluate((e) => getComputedStyle(e).color);
    assert((await colour(".under .field")) !== (await colour(".under .phrase")), "one colour");
  },

  "an error stands where it is, with a hint": async () => {
    await start();
    const all = await total();
    await line.fill('username:root AND "unclosed');
    await until(async () => (await page.locator(".mistake").count()) === 1, "mistake");
    const wrong = await page.locator(".mistake").innerText();
    assert('username:root AND "unclosed'.includes(wrong.trim()), `underlined ${wrong}`);
    const said = await page.locator("div.error").innerText();
    assert(said.length > 5, "nothing is said");
    equal(await line.getAttribute("aria-invalid"), "true", "aria-invalid");
    await line.press("Enter");
    await settled();
    equal(await total(), all, "the hits before stay");
    await line.fill("username:root");
    await until(async () => (await page.locator(".mistake").count()) === 0, "it goes when mended");
  },

  "fields and values complete, with their counts": async () => {
    await start();
    await line.fill("");
    await line.pressSequentially("data_t");
    const offers = page.getByRole("listbox", { name: "Completions" }).getByRole("option");
    await until(async () => (await offers.count()) > 0, "field offers");
    await line.press("Tab");
    equal(await line.inputValue(), "data_type:", "completed field");
    await until(async () => /\d/.test(await offers.first().innerText()), "value offers");
    await line.press("ArrowDown");
    await line.press("Enter");
    assert(/^data_type:\S+ $/.test(await line.inputValue()), `value: ${await line.inputValue()}`);
    await line.press("Enter");
    await until(() => asked().get("q")?.startsWith("data_type:"), "asked");
    await settled();
    assert((await total()) > 0, "a completed query finds something");
  },

  "earlier queries come back with the arrow": async () => {
    await start();
    await search("sshd");
    await until(() => asked().get("q") === "sshd", "asked");
    await line.fill("");
    await line.press("ArrowUp");
    const offers = page.getByRole("listbox", { name: "History" }).getByRole("option");
    await until(async () => (await offers.count()) > 0, "history");
    equal(await offers.first().locator("b").innerText(), "sshd", "the newest first");
    await line.press("Enter");
    equal(await line.inputValue(), "sshd", "taken");
  },

  "values include and exclude; chips switch off, go, and are in the address": async () => {
    await start();
    const all = await total();
    const types = page.getByRole("region", { name: "Data type" }).locator("button.value");
    await until(async () => (await types.count()) > 1, "values");
    const first = types.first();
    const name = await first.locator("span").innerText();
    await first.click();
    const { n: only } = await changed(all);
    equal(asked().getAll("c").join(), `+data_type=${name}`, "chip in the address");
    await chips.getByRole("button", { name: `type ${name}`, exact: true }).click();
    await until(async () => (await total()) === all, "off: all again");
    equal(asked().getAll("c").join(), `!+data_type=${name}`, "off in the address");
    await chips.getByRole("button", { name: `type ${name}`, exact: true }).click();
    await until(async () => (await total()) === only, "on again");
    await page.reload();
    await until(async () => (await total()) === only, "a link shows the same");
    await chips.getByRole("button", { name: /^Remove filter/ }).click();
    await until(async () => (await total()) === all, "removed");
    await until(async () => (await types.count()) > 1, "values again");
    await types.first().click({ modifiers: ["Alt"] });
    const { n: without } = await changed(all);
    equal(without + only, all, "included and excluded make the whole");
    assert(await page.locator("button.value.out").isVisible(), "what is out can be taken back");
    await page.locator("button.value.out").click();
    await until(async () => (await total()) === all, "taken back");
  },

  "dragging the strip zooms, double click goes back": async () => {
    await start();
    const all = await total();
    await until(async () => (await page.locator(".tools > span").count()) > 0, "bars");
    const box = await strip.boundingBox();
    const y = box.y + 50;
    await page.mouse.move(box.x + box.width * 0.3, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.45, y, { steps: 5 });
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 5 });
    await page.mouse.up();
    const { n } = await changed(all);
    assert(n > 0 && n < all, `${n} of ${all}`);
    assert(/^\+@.+\.\..+/.test(asked().get("c")), `range in the address: ${asked().get("c")}`);
    await settled();
    await page.mouse.move(box.x + box.width / 2, y);
    await page.mouse.wheel(0, -300);
    const { n: closer } = await changed(n);
    assert(closer < n, `the wheel zooms: ${closer} of ${n}`);
    await settled();
    await strip.dblclick({ position: { x: 300, y: 50 } });
    await until(async () => (await total()) === n, "back once");
    await strip.dblclick({ position: { x: 300, y: 50 } });
    await until(async () => (await total()) === all, "back twice");
  },

  "the strip is worked by keys and stacked by any field": async () => {
    await start();
    const all = await total();
    await until(async () => (await page.locator(".tools > span").count()) > 0, "bars");
    await strip.focus();
    await page.keyboard.press("+");
    await changed(all);
    await page.keyboard.press("Backspace");
    await until(async () => (await total()) === all, "back");
    await page.getByRole("button", { name: /^by timeline/ }).click();
    await page.keyboard.type("hostname");
    await page.keyboard.press("Enter");
    await until(() => asked().get("split") === "hostname", "split in the address");
    await until(async () => (await page.locator(".strip .left .part").count()) > 0, "its legend");
    await page.getByRole("button", { name: "linear" }).click();
    await until(() => asked().get("scale") === "log", "scale in the address");
  },

  "the list scrolls to the very last of all events": async () => {
    await start();
    const all = await total();
    await list.focus();
    await page.keyboard.press("End");
    await until(
      async () => (await focused.getAttribute("aria-rowindex")) === String(all + 1),
      "last row",
    );
    const box = await list.boundingBox();
    await until(async () => {
      const at = await focused.boundingBox();
      return at !== null && at.y + at.height <= box.y + box.height + 1;
    }, "it is seen whole");
    await until(async () => (await inspector.locator(".when").innerText()) !== "", "and inspected");
    // By the scrollbar to the middle and to the end.
    const scroller = list.locator("[role=rowgroup]");
    await scroller.evaluate((e) => (e.scrollTop = e.scrollHeight / 2));
    await until(async () => {
      const index = Number(await rows.first().getAttribute("aria-rowindex"));
      return Math.abs(index / all - 0.5) < 0.02;
    }, "middle");
    await scroller.evaluate((e) => (e.scrollTop = e.scrollHeight));
    await until(
      async () => (await rows.last().getAttribute("aria-rowindex")) === String(all + 1),
      "end",
    );
    // By the wheel a row at a time, as far as there are rows.
    await page.mouse.move(box.x + 300, box.y + 200);
    await page.mouse.wheel(0, -2400);
    await until(
      async () => Number(await rows.last().getAttribute("aria-rowindex")) < all - 60,
      "wheel up",
    );
    await page.mouse.wheel(0, 100_000);
    await until(
      async () => (await rows.last().getAttribute("aria-rowindex")) === String(all + 1),
      "wheel down",
    );
    await list.focus();
    await page.keyboard.press("Home");
    await until(async () => (await focused.getAttribute("aria-rowindex")) === "2", "first row");
  },

  "order turns round": async () => {
    await start();
    const first = await rows.first().innerText();
    await list.getByRole("columnheader").first().click();
    await until(() => asked().get("order") === "desc", "order in the address");
    await until(async () => (await rows.first().innerText()) !== first, "another row first");
    await page.goBack();
    await until(async () => (await rows.first().innerText()) === first, "back");
  },

  "keys move, star, tag, comment and select": async () => {
    await start("/?q=accepted");
    const fresh = `seen ${Date.now()}`;
    await list.focus();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await until(
      async () => (await focused.getAttribute("aria-rowindex")) === "2",
      "first row in focus",
    );
    await page.keyboard.press("s");
    await until(
      async () => (await focused.getByRole("button", { name: "Star" }).innerText()) === "★",
      "star",
    );
    await page.keyboard.press("t");
    await page.keyboard.type(fresh);
    await page.keyboard.press("Enter");
    await until(async () => (await focused.locator(".tag").allInnerTexts()).includes(fresh), "tag");
    await page.keyboard.press("c");
    await until(
      async () => inspector.getByRole("textbox", { name: "Comment" }).isVisible(),
      "comment box",
    );
    await page.keyboard.type("This is where they came in.");
    await page.keyboard.press("Control+Enter");
    await until(
      async () => (await inspector.locator(".say").innerText()).includes("came in"),
      "comment",
    );
    await list.focus();
    await page.keyboard.press("x");
    await until(
      async () => (await page.locator("footer").innerText()).includes("1 selected"),
      "selected",
    );
    await page.keyboard.press("Escape");
    // The star is found again from elsewhere, and lasts.
    const own = asked().get("event");
    await page.keyboard.press("End");
    await until(() => asked().get("event") !== own, "the last event in the address");
    await page.keyboard.press("p");
    await until(async () => (await focused.getAttribute("aria-rowindex")) === "2", "previous star");
    await until(() => asked().get("event") === own, "the event in the address");
    await page.reload();
    await until(async () => (await inspector.locator(".say").count()) === 1, "a link to the event");
    assert(await inspector.getByText(fresh).isVisible(), "the tag lasts");
    await until(async () => (await focused.count()) === 1, "in focus again");
    await inspector.getByRole("button", { name: "delete" }).click();
    await until(async () => (await inspector.locator(".say").count()) === 0, "comment deleted");
    await inspector.getByRole("button", { name: `Remove tag ${fresh}` }).click();
    await until(async () => (await inspector.locator(".tag").count()) === 0, "tag removed");
    await inspector.getByRole("button", { name: "Star" }).click();
    await until(
      async () => (await inspector.getByRole("button", { name: "Star" }).innerText()) === "☆",
      "unstarred",
    );
  },

  "moving the focus asks for no search, and leaves what is being typed": async () => {
    await start();
    await until(async () => (await page.locator(".tools > span").count()) > 0, "bars");
    await settled();
    await page.waitForTimeout(1200);
    await line.fill("half a qu");
    const requests = [];
    const note = (request) => {
      const body = request.postData() ?? "";
      // The inspector counts the values of its fields; that is no search for rows.
      if (/\/search/.test(request.url()) && !body.includes('"limit":0')) requests.push(body);
    };
    page.on("request", note);
    await list.focus();
    for (let i = 0; i < 8; i++) await page.keyboard.press("j");
    await until(() => asked().has("event"), "the event in the address");
    await page.waitForTimeout(500);
    page.off("request", note);
    equal(requests.join("\n"), "", "requests");
    equal(await line.inputValue(), "half a qu", "what was typed");
  },

  "f and F filter by a field of the event": async () => {
    await start("/?q=accepted");
    const before = await total();
    await list.focus();
    await page.keyboard.press("j");
    await until(async () => (await inspector.locator(".when").count()) === 1, "focus");
    await page.keyboard.press("f");
    await page.keyboard.type("username");
    await page.keyboard.press("Enter");
    await until(() => asked().get("c")?.startsWith("+username="), "filter in");
    const { n } = await changed(before);
    await until(async () => (await focused.count()) === 1, "the event stays in focus");
    await page.keyboard.press("F");
    await page.keyboard.type("username");
    await page.keyboard.press("Enter");
    await until(() => asked().get("c")?.startsWith("-username="), "filter out takes its place");
    await until(async () => (await total()) === before - n, "all but these");
  },

  "context shows everything around, and goes back": async () => {
    await start("/?q=accepted");
    const before = await total();
    await list.focus();
    await page.keyboard.press("j");
    await until(async () => (await inspector.locator(".when").count()) === 1, "focus");
    const when = await inspector.locator(".when").innerText();
    await page.keyboard.press(".");
    await page.keyboard.type("5 minutes");
    await page.keyboard.press("Enter");
    await until(() => asked().has("context"), "context in the address");
    await changed(before);
    await until(async () => (await focused.count()) === 1, "the event is in the middle");
    equal(await inspector.locator(".when").innerText(), when, "the same event");
    await page.keyboard.press("Escape");
    await until(async () => (await total()) === before, "back");
  },

  "g goes to a time": async () => {
    await start();
    await list.focus();
    await page.keyboard.press("End");
    await until(async () => (await inspector.locator(".when").count()) === 1, "focus");
    const last = (await inspector.locator(".when").innerText()).slice(0, 10);
    await page.keyboard.press("Home");
    await page.keyboard.press("g");
    await page.keyboard.type(last);
    await page.keyboard.press("Enter");
    await until(
      async () => (await inspector.locator(".when").innerText()).startsWith(last),
      "there",
    );
  },

  "the inspector shows the bytes that the event was read from": async () => {
    await start("/?q=accepted");
    await list.focus();
    await page.keyboard.press("j");
    await until(async () => (await inspector.locator(".when").count()) === 1, "focus");
    const message = await inspector.locator(".message").innerText();
    const word = /from (\S+)/.exec(message)[1];
    await page.keyboard.press("b");
    const dump = inspector.getByRole("region", {
      name: "Bytes of the evidence",
    });
    await until(
      async () => (await dump.locator("mark").first().innerText()).includes(word),
      "text",
    );
    await inspector.getByRole("tab", { name: "hex" }).click();
    await until(async () => /[0-9a-f]{2} [0-9a-f]{2}/.test(await dump.innerText()), "hex");
    const digits = (await dump.locator("span:nth-child(2) mark").allInnerTexts()).join("");
    const text = Buffer.from(digits.replaceAll(/\s/g, ""), "hex").toString();
    assert(text.includes(word), `hex of the record: ${text}`);
    await page.keyboard.press("b");
  },

  "fields of the inspector filter, count and show their top values": async () => {
    await start("/?q=accepted");
    const before = await total();
    await list.focus();
    await page.keyboard.press("j");
    const row = inspector.locator(".row", { hasText: "source_ip" });
    await until(async () => /\d/.test(await row.locator("em").innerText()), "count");
    await row.hover();
    await row.getByRole("button", { name: "Top values of source_ip" }).click();
    await until(async () => (await inspector.locator(".top button").count()) > 3, "top values");
    await row.getByRole("button", { name: /^Only source_ip/ }).click();
    await until(() => asked().get("c")?.startsWith("+source_ip="), "filter in");
    assert((await total()) <= before, "narrowed");
  },

  "columns are added, and taken away": async () => {
    await start();
    await page.getByRole("button", { name: "columns" }).click();
    await page.keyboard.type("parser");
    await page.keyboard.press("Enter");
    await until(() => asked().get("columns") === "parser", "in the address");
    await list.getByRole("columnheader", { name: /parser/i }).click();
    await until(() => !asked().has("columns"), "away");
  },

  "a copy of the link shows the same": async () => {
    await start("/?q=accepted&split=hostname&scale=log");
    await page.getByRole("button", { name: "Copy link" }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    equal(link, page.url(), "link");
  },

  "no match says what to do": async () => {
    await start("/?q=accepted");
    await search("nosuchwordanywhere");
    await until(async () => page.getByText("No event matches").isVisible(), "said");
    await page.getByRole("button", { name: "Show all events" }).click();
    await until(async () => (await rows.count()) > 0, "rows");
    equal(page.url(), `${origin}/`, "nothing narrows");
  },

  "zone and theme switch": async () => {
    await start();
    await list.focus();
    await page.keyboard.press("j");
    await until(async () => (await inspector.locator(".when").innerText()).includes("UTC"), "UTC");
    const utc = await inspector.locator(".when").innerText();
    await page.getByRole("combobox", { name: "Any time zone" }).selectOption("Asia/Tokyo");
    await until(
      async () => (await inspector.locator(".when").innerText()).includes("+09:00"),
      "zone",
    );
    assert(
      (await inspector.locator(".when").innerText()).slice(0, 19) !== utc.slice(0, 19),
      "another clock",
    );
    await page.getByRole("button", { name: "UTC", exact: true }).click();
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "Theme: as the system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).click();
    await until(async () => (await ground()) !== light, "dark");
    await page.reload();
    await until(async () => (await ground()) !== light, "dark is remembered");
    await page.getByRole("button", { name: "Theme: dark" }).click();
    await until(async () => (await ground()) === light, "as the system again");
  },

  "? lists the keys": async () => {
    await start();
    await list.focus();
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keys of this page" });
    await until(() => sheet.isVisible(), "sheet");
    assert((await sheet.innerText()).includes("previous star"), "it lists them");
    await page.keyboard.press("Escape");
    await until(async () => !(await sheet.isVisible()), "closed");
    await page.keyboard.press("/");
    await until(() => line.evaluate((e) => e === document.activeElement), "/ goes to the query");
  },

  "Home lists the timelines": async () => {
    await start();
    await page.getByRole("button", { name: "Home" }).click();
    await until(async () => (await page.locator("tbody tr").count()) > 0, "timelines");
    await page.goBack();
    await until(async () => (await rows.count()) > 0, "rows");
  },

  "events of a timeline appear while it is made": async () => {
    await start();
    const before = await total();
    await page.evaluate(() => (window.stays = true));
    const done = new Promise((resolve, reject) => {
      execFile(grow[0], grow.slice(1), (error, out, err) =>
        error ? reject(new Error(err)) : resolve(out),
      );
    });
    await until(async () => (await total()) > before, "more events");
    await done;
    // As many as the server has, without the page being loaded anew.
    await until(async () => {
      const { timelines } = await (await context.request.get(`${origin}/api/v1/timelines`)).json();
      const sum = timelines.reduce((n, t) => n + t.events, 0);
      return sum > before && (await total()) === sum;
    }, "all events");
    assert(await page.evaluate(() => window.stays), "the page was loaded anew");
    await until(async () => {
      const told = await strip.getAttribute("aria-valuetext");
      const counted = number(/([\d,]+) events/.exec(told)[1]);
      return counted > before * 0.9;
    }, "the strip grew");
  },

  "pictures in both themes and widths": async () => {
    for (const [width, height] of [
      [1280, 800],
      [1920, 1080],
    ]) {
      for (const theme of ["light", "dark"]) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme: theme });
        await start("/?q=failed%20OR%20accepted");
        await list.focus();
        for (let i = 0; i < 5; i++) await page.keyboard.press("j");
        await until(async () => (await page.locator(".facets .value").count()) > 3, "values");
        await page.waitForTimeout(700);
        const at = await rows.first().boundingBox();
        assert(at.y < 262, `the first event is ${at.y} px down`);
        await page.screenshot({
          path: `${shots}/explore-${width}-${theme}.png`,
        });
      }
    }
  },
};

const only = process.env.STEP;
const chosen = only
  ? Object.fromEntries(Object.entries(steps).filter(([name]) => name.includes(only)))
  : steps;
const failed = await run(page, complaints, chosen, shots);
await browser.close();
console.log(failed === 0 ? "all steps passed" : `${failed} steps failed`);
process.exitCode = failed === 0 ? 0 : 1;
