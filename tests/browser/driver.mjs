// What the tests share: the browser, what must never happen on any page, and the keys of data/i18n.
import { chromium } from "playwright-core";
import { readFileSync, readdirSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import assert from "node:assert/strict";

export const base = process.env.QORGAN_URL.replace(/\/$/, "");
const source = process.env.QORGAN_SOURCE ?? path.resolve(import.meta.dirname ?? ".", "../..");
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const languages = ["kk", "ru", "en"];
export const widths = [1280, 390];

const folder = path.join(source, "data/i18n");
export const texts = new Map(); // key -> {kk, ru, en}
for (const file of readdirSync(folder).filter((name) => name.endsWith(".tsv"))) {
  for (const line of readFileSync(path.join(folder, file), "utf8").split("\n")) {
    const [key, kk, ru, en] = line.split("\t");
    if (en && !key.startsWith("#") && key !== "key" && !texts.has(key)) texts.set(key, { kk, ru, en });
  }
}
const families = new Set([...texts.keys()].map((key) => key.split(".")[0]));

// What axe must look at again on the same page. Its findings depend
//   of names, roles, texts (structure)   on the language, by the texts; on the width, by what is displayed
//   of colours (contrast)                on the colour scheme, which goes with the language: kk is shown dark; on the
//                                        width, by what is displayed, how large, and what lies over what
// so each rule sees each language, each width and each scheme at each width, but not their whole product: what a style
// displays does not go by language. Russian stands for light, for its words are the longest.
export function axeKinds(width, language) {
  const wide = width === widths[0];
  return { structure: wide || language === "kk", contrast: language !== "en" };
}

// Titles of rules in the other languages that cannot stand on a page of this one.
const foreign = new Map();
for (const language of languages) {
  const titles = [...texts].filter(([key]) => key.startsWith("rule.")).map(([, title]) => title);
  assert.ok(titles.length > 50);
  const own = titles.map((title) => title[language]).join("\n"); // a longer title of the language may hold a foreign one
  const others = titles.flatMap((title) => languages.filter((l) => title[l] !== title[language]).map((l) => title[l]));
  foreign.set(language, others.filter((title) => title.length > 12 && !own.includes(title)));
}

// Those that the page shows where the reader's language is another.
export async function foreignTitles(page, language) {
  const words = await page.evaluate(() => [
    document.title,
    ...[...document.querySelectorAll("h1, td, th, a, .line.own, p.own, option")].map((e) => e.innerText),
    ...[...document.querySelectorAll("input[type=text]")].map((e) => e.value),
  ]);
  const shown = words.join("\n");
  return foreign.get(language).filter((title) => shown.includes(title));
}

// Each with a fresh profile below TMPDIR, which run.sh removes at the end.
export async function launch(options = {}) {
  const profile = mkdtempSync(path.join(tmpdir(), "qorgan-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.QORGAN_CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    ignoreHTTPSErrors: true,
    acceptDownloads: true,
    viewport: { width: 1280, height: 900 },
    locale: "ru-RU",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    ...options,
  });
  return context;
}

// Collects what a browser complains of. A page that the test makes the server refuse is expected: `expectStatus`.
export function watch(page) {
  const complaints = [];
  let allowed = [];
  page.on("pageerror", (error) => complaints.push(`script error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const text = message.text();
    if (allowed.some((status) => text.includes(`status of ${status}`))) return;
    complaints.push(`console: ${text} (${page.url()})`);
  });
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    if (!/ERR_ABORTED/.test(why)) complaints.push(`request failed: ${request.url()} ${why}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:"))
      complaints.push(`outside address: ${request.url()}`);
  });
  return {
    expectStatus: (...statuses) => (allowed = statuses),
    check: () => {
      assert.deepEqual(complaints, []);
      allowed = [];
    },
  };
}

// A key instead of a text: "state.closed" on the page, or a choice that shows its bare key.
export async function missingTexts(page) {
  const shown = await page.evaluate(() => {
    const attributes = [...document.querySelectorAll("[title],[aria-label],[data-label]")].flatMap((e) =>
      ["title", "aria-label", "data-label"].map((name) => e.getAttribute(name) ?? ""),
    );
    // objects, groups and packs have the names that people gave them
    const bare = [...document.querySelectorAll("select:not([name=object_id], [name=group], [name=pack]) option")]
      .filter((option) => option.textContent === option.value)
      .map((option) => [option.closest("select").name, option.value]);
    const skipped = new Set(document.querySelectorAll("pre, code, textarea, .line, .raw, .opened, .pairs td, .tag"));
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const words = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      let parent = node.parentElement;
      while (parent && !skipped.has(parent)) parent = parent.parentElement;
      if (!parent && node.parentElement.tagName !== "SCRIPT") words.push(node.textContent);
    }
    return { words: [...words, ...attributes], bare };
  });
  const keys = shown.words
    .flatMap((text) => text.match(/(?<![\w./@-])[a-z_]+\.[A-Za-z0-9_.-]+/g) ?? [])
    .filter((word) => families.has(word.split(".")[0]) && !/\.(kz|local|log|txt|com)$/.test(word));
  // in English a key may be its own text: "mail"
  const language = await page.getAttribute("html", "lang");
  const known = new Set([...texts.values()].map((text) => text[language]));
  return [...keys, ...shown.bare.filter(([, value]) => !known.has(value)).map(([name, value]) => `${name}=${value}`)];
}

export async function scrollsSideways(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")]
      .filter((e) => e.getBoundingClientRect().right > width + 1)
      .slice(0, 5)
      .map((e) => `${e.tagName}.${e.className}`);
  });
}

// As at that width from the beginning: styles alone say what is where, no script asks for the width.
export async function resize(page, width) {
  await page.setViewportSize({ width, height: width > 600 ? 900 : 844 });
}

// Tabs that are squeezed until their words break.
export async function squeezedTabs(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll(".tabs a")]
      .filter((e) => e.offsetHeight > 2.5 * parseFloat(getComputedStyle(e).lineHeight))
      .map((e) => e.innerText),
  );
}

// Serious and critical findings of axe-core. Run through the debugger, so that the page's policy stays as it is.
//
// Rules that can find nothing serious are not run. Contrast costs more than all others: it looks at each text and what
// lies under it. Colours come from tags and classes (no style here goes by place or by text), so of siblings that
// differ in texts and addresses alone the first is looked at; a row whose shape is another is another row.
export async function axeFindings(page, { contrast = true, structure = true } = {}) {
  if (!contrast && !structure) return [];
  const session = await page.context().newCDPSession(page);
  const there = await session.send("Runtime.evaluate", { expression: "typeof axe" });
  if (there.result.value === "undefined") await session.send("Runtime.evaluate", { expression: axeSource });
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `(${runAxe})(${contrast}, ${structure})`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  assert.equal(exceptionDetails, undefined);
  const { looked, found } = JSON.parse(result.value);
  assert.ok(looked > 0);
  return found;
}

// In the page.
async function runAxe(contrast, structure) {
  const grave = axe._audit.rules.filter((r) => r.enabled && ["serious", "critical"].includes(r.impact)).map((r) => r.id);
  const ofTexts = /\s(href|src|value|id|for|name|title|content|datetime|alt|placeholder|aria-label|data-[a-z-]+)="[^"]*"/g;
  const shape = (e) => e.outerHTML.replace(ofTexts, " $1").replace(/>[^<]*[^<\s][^<]*</g, ">x<").replace(/>\s+</g, "><");
  const repeated = [...document.querySelectorAll("tbody, ul, ol, dl, select")].flatMap((list) => {
    const seen = new Set();
    return [...list.children].filter((e) => seen.size === seen.add(shape(e)).size);
  });
  const run = (context, rules) => axe.run(context, { resultTypes: ["violations"], runOnly: rules });
  const results = [];
  if (contrast) results.push(await run({ include: [document], exclude: repeated }, ["color-contrast"]));
  if (structure) results.push(await run(document, grave.filter((id) => id !== "color-contrast")));
  const found = results
    .flatMap((result) => result.violations)
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | "));
  const looked = contrast + structure === results.length && grave.length > 50 ? results.length : 0;
  return JSON.stringify({ looked, found });
}

export async function until(what, seconds, attempt) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const got = await attempt();
    if (got) return got;
    if (Date.now() > end) assert.fail(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export async function setLanguage(page, language) {
  await page.click(`.languages button[value=${language}]`);
  await page.waitForLoadState();
  assert.equal(await page.getAttribute("html", "lang"), language);
}

// Where the keyboard stands, and whether a person sees it.
export async function focused(page) {
  return page.evaluate(() => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    return {
      tag: e.tagName,
      name: e.getAttribute("name"),
      value: e.getAttribute("value"),
      href: e.getAttribute("href"),
      visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    };
  });
}

// Presses Tab until the focus is where `wanted` says; every stop on the way must be seen.
export async function tabTo(page, wanted, limit = 80) {
  for (let i = 0; i < limit; i += 1) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at.tag !== "BODY") assert.ok(at.visible, `the focus on ${JSON.stringify(at)} is not visible`);
    if (wanted(at)) return at;
  }
  return assert.fail("the keyboard does not reach it");
}
