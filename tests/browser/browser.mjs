// The real server in a real browser: what a person does on the first day, in three languages and at two widths.
import test, { after } from "node:test";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as d from "./driver.mjs";

const user = process.env.QORGAN_USER || "admin";
const first = process.env.QORGAN_PASSWORD;
const chosen = "тау мен дала 2026 #7";
let password = first;

const context = await d.launch();
const page = context.pages()[0] ?? (await context.newPage());
const seen = d.watch(page);
after(() => context.close());

async function open(path) {
  const response = await page.goto(d.base + path);
  return response;
}

async function signIn(name, secret) {
  await page.fill("[name=user]", name);
  await page.fill("[name=password]", secret);
  await page.click("button.main");
  await page.waitForLoadState();
}

test("the sign-in page speaks three languages and needs no script", async () => {
  await open("/sign-in");
  for (const language of d.languages) {
    await d.setLanguage(page, language);
    assert.equal(await page.textContent("h1"), d.texts.get("session.title")[language]);
    assert.deepEqual(await d.missingTexts(page), []);
    assert.deepEqual(await d.axeFindings(page), []);
  }
  seen.check();
});

test("headers keep the browser strict", async () => {
  const response = await open("/sign-in");
  const headers = response.headers();
  assert.match(headers["content-security-policy"], /default-src 'self'/);
  assert.doesNotMatch(headers["content-security-policy"], /unsafe/);
  assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
  assert.ok(headers["strict-transport-security"]);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["cache-control"], "no-store");
  seen.check();
});

test("a page without a session leads to sign-in and back", async () => {
  await open("/incidents?state=all");
  assert.match(page.url(), /\/sign-in\?back=%2Fincidents%3Fstate%3Dall$/);
  seen.check();
});

test("a wrong password is refused", async () => {
  seen.expectStatus(403);
  await open("/sign-in");
  await signIn(user, "not the password");
  assert.match(page.url(), /\/sign-in$/);
  assert.equal(await page.locator("[role=alert]").count(), 1);
  assert.equal(await page.inputValue("[name=user]"), user);
  assert.equal(await page.inputValue("[name=password]"), "");
  seen.check();
});

test("signing in by keyboard alone, and the first password must be changed", async () => {
  await open("/sign-in");
  await d.setLanguage(page, "en");
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  await open("/sign-in");
  // Autofocus is the browser's, when it has drawn the page.
  await d.until("the focus in the first field", 20, async () => (await d.focused(page)).name === "user");
  await page.keyboard.type(user);
  await page.keyboard.press("Tab");
  assert.equal((await d.focused(page)).name, "password");
  await page.keyboard.type(first);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  if (new URL(page.url()).pathname !== "/password") return; // a server that was signed in to before
  await open("/incidents");
  assert.equal(new URL(page.url()).pathname, "/password");
  seen.expectStatus(422);
  await page.fill("[name=old]", first);
  await page.fill("[name=new]", "short");
  await page.fill("[name=again]", "short");
  await page.click("button.main");
  await page.waitForLoadState();
  assert.equal(await page.locator("[role=alert]").count(), 1);
  await page.fill("[name=old]", first);
  await page.fill("[name=new]", chosen);
  await page.fill("[name=again]", chosen);
  await page.click("button.main");
  await page.waitForURL(d.base + "/");
  password = chosen;
  seen.check();
});

test("cookies are for this host, for HTTPS and not for scripts", async () => {
  const cookies = (await context.cookies(d.base)).filter((cookie) => cookie.name.includes("qorgan"));
  assert.ok(cookies.some((cookie) => cookie.name === "__Host-qorgan"));
  for (const cookie of cookies) {
    assert.ok(cookie.secure && cookie.httpOnly, cookie.name);
    assert.equal(cookie.sameSite, "Strict", cookie.name);
    assert.equal(cookie.path, "/", cookie.name);
  }
});

test("the live view shows a source and renews itself", { timeout: 120000 }, async () => {
  await open("/");
  await d.until("a source", 90, async () => (await page.locator("#live tbody th").count()) > 0);
  const before = await page.textContent("footer time");
  const renewed = page.waitForResponse((r) => r.url() === d.base + "/" && r.request().headers()["x-qorgan-refresh"]);
  assert.equal((await renewed).status(), 200);
  assert.ok(before);
  const api = await page.evaluate(() => fetch("/api/source.list").then((r) => r.json()));
  assert.equal(api.ok, true);
  assert.ok(api.sources.length > 0);
  seen.check();
});

let card = "";

test("a demonstration opens an incident", { timeout: 180000 }, async () => {
  if (process.env.QORGAN_DATA)
    await promisify(execFile)(process.env.QORGAN_BIN, ["demo", "--data", process.env.QORGAN_DATA]);
  await open("/incidents");
  await d.until("an incident", 120, async () => {
    await page.reload();
    return (await page.locator("#incidents tbody th a").count()) > 0;
  });
  card = new URL(await page.locator("#incidents tbody th a").first().getAttribute("href"), d.base).pathname;
  seen.check();
});

test("an incident that STS told of is reported by a person; 72 hours run from its notice", { timeout: 60000 }, async () => {
  await open("/incidents");
  await page.click('a[href="/incidents/new"]');
  await page.fill("[name=title]", "A mail with a lure");
  await page.selectOption("[name=origin]", "sts");
  seen.expectStatus(422);
  await page.click("form.grid button.main");
  await page.waitForSelector("[role=alert]"); // when it told is needed
  assert.equal(await page.inputValue("[name=title]"), "A mail with a lure");
  const told = new Date(Date.now() + (5 - 1) * 3600000).toISOString().slice(0, 19); // an hour ago, at UTC+05:00
  await page.fill("[name=told]", told);
  await page.click("form.grid button.main");
  await page.waitForURL(/saved=1/);
  const term = page.locator("#clocks tbody tr", { hasText: "M-16" });
  assert.equal(await term.count(), 1);
  assert.equal(await page.inputValue("#told [name=origin]"), "sts");
  await open("/incidents");
  const clock = page.locator("#incidents .clock .span").first();
  const at = await clock.textContent();
  assert.match(at, /\d\d:\d\d:\d\d$/);
  await d.until("a tick", 5, async () => (await clock.textContent()) !== at);
  seen.check();
});

test("search finds the record, opens it and gives its proof", { timeout: 120000 }, async () => {
  await open(card);
  const line = await page.locator("#records .line").first().textContent();
  const word = line.match(/[a-z]{5,}/i)[0];
  await open("/search");
  await page.fill("[name=q]", word);
  await page.selectOption("[name=range]", "all");
  await page.keyboard.press("Enter");
  await page.waitForURL(/[?&]q=./);
  await d.until("a hit", 60, async () => {
    if ((await page.locator(".events li").count()) > 0) return true;
    await page.reload();
    return false;
  });
  const raw = await page.locator(".events .raw").first().textContent();
  assert.ok(raw.toLowerCase().includes(word.toLowerCase()), `${word} in ${raw}`);
  assert.ok((await page.locator(".histogram rect").count()) > 0);
  await page.locator(".events summary").first().focus();
  await page.keyboard.press("Enter");
  assert.ok(await page.locator(".events details[open] .raw").first().isVisible());
  await page.locator(".events a.record").first().click();
  await page.waitForURL(/\/records\/\d+$/);
  assert.ok((await page.locator(".pairs tr").count()) > 5);
  const link = page.locator("a[href$='/proof.txt']");
  await d.until("a checkpoint that covers it", 60, async () => {
    if ((await link.count()) > 0) return true;
    await page.reload();
    return false;
  });
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  assert.match(readFileSync(await download.path(), "utf8"), /^c2sp\.org\/tlog-proof@v1\n/);
  seen.check();
});

test("the archive's own records are hidden until they are asked for, and then read as sentences", async () => {
  await open("/");
  for (const language of d.languages) {
    await d.setLanguage(page, language);
    await open("/search?q=session.opened&range=all");
    assert.equal(await page.locator(".events .own").count(), 0);
    await page.check("[name=own]");
    await page.click(".query button.main");
    await page.waitForURL(/own=yes/);
    assert.ok(await page.isChecked("[name=own]"));
    const sentence = d.texts.get("lifecycle.session.opened")[language].replace("{0}", user).replace(/\{1\}.*$/, "");
    const lines = await page.locator(".events .line.own").allTextContents();
    assert.ok(lines.some((line) => line.includes(sentence.trim())), `${sentence} in ${lines}`);
    assert.ok(!lines.some((line) => line.includes("{")), "no sentence is raw");
  }
  seen.check();
});

test("a rule's title is read in the reader's language, and saving a card does not store the translation", async () => {
  await open(card);
  for (const language of d.languages) {
    await d.setLanguage(page, language);
    const rule = (await page.locator(".pairs code").first().textContent()).trim();
    const title = d.texts.get(`rule.${rule}`)[language];
    assert.ok((await page.textContent("h1")).includes(title), language);
    assert.equal(await page.inputValue("[name=title]"), title);
    await page.fill("[name=note]", language);
    await page.click("#annex button.main");
    await page.waitForURL(/saved=1/);
    const stored = await page.evaluate((id) => fetch(`/api/incident.get?id=${id}`).then((r) => r.json()), card.split("/").pop());
    assert.equal(stored.incident.title, d.texts.get(`rule.${rule}`).en);
    assert.equal(stored.incident.note, language);
  }
  seen.check();
});

let why = "";

test("the card says why a record matched its rule; the page says why another rule did not", { timeout: 60000 }, async () => {
  const other = "rule.41e3cf92-8f6a-5e90-9e11-79dd39fe677d";
  await open(card);
  await page.locator("#records a.why").first().click();
  await page.waitForURL(/\/records\/\d+\/why\?rule=./);
  why = page.url().slice(d.base.length);
  const rule = decodeURIComponent(why.split("rule=")[1]);
  for (const language of d.languages) {
    const says = (key) => d.texts.get(key)[language];
    await d.setLanguage(page, language);
    await open(why);
    assert.ok((await page.textContent("#why h2")).includes(says(`rule.${rule}`)), language);
    const verdict = (await page.textContent("#why [role=status]")).trim();
    assert.ok([says("explain.match"), says("explain.counted")].includes(verdict), verdict);
    const marks = await page.locator("#why .tree .verdict").allTextContents();
    assert.ok(marks.some((mark) => mark.includes("\u2713") && mark.includes(says("explain.holds"))), `${marks}`);
    await page.fill("[name=rule]", says(other));
    await page.press("[name=rule]", "Enter");
    await page.waitForURL((url) => url.href !== d.base + why);
    assert.equal((await page.textContent("#why h2")).includes(says(other)), true, language);
    const refusal = (await page.textContent("#why [role=status]")).trim();
    assert.ok([says("explain.no_match"), says("explain.not_counted")].includes(refusal), refusal);
    const reasons = await page.locator("#why .tree .under, #why > p").allTextContents();
    assert.ok(reasons.length > 0, language);
  }
  seen.expectStatus(404);
  await page.fill("[name=rule]", "<b>no such rule");
  await page.press("[name=rule]", "Enter");
  await page.waitForURL(/no\+such/);
  assert.equal(await page.inputValue("[name=rule][aria-invalid]"), "<b>no such rule");
  assert.equal(await page.locator("[role=alert]").count(), 1);
  seen.check();
});

let filter = "";

test("a filter is made from a record of the incident, after a look at what it would hold back, and ends", { timeout: 120000 }, async () => {
  for (const language of d.languages) {
    const says = (key) => d.texts.get(key)[language];
    await open("/");
    await d.setLanguage(page, language);
    await open("/filters");
    await open(card);
    await page.locator('#records a[href^="/filters/new"]').first().click();
    await page.waitForURL(/\/filters\/new\?record=\d+&rule=./);
    if (await page.locator("#counted a").count()) {
      await page.locator("#counted a").first().click();
      await page.waitForURL(/\/filters\/new\?record=\d+&rule=./);
    }
    filter = page.url().slice(d.base.length);
    assert.ok((await page.locator("[name=c]").count()) > 3, language);
    assert.equal(await page.locator("button[value=save]").count(), 0, language);
    while (await page.locator("[name=c]:checked").count()) await page.locator("[name=c]:checked").first().uncheck();
    await page.focus("[name=c] >> nth=0"); // all of it without a mouse
    await page.keyboard.press("Space");
    await page.focus("button[value=show]");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#trial pre");
    assert.match(await page.textContent("#trial pre"), /condition: not selection/);
    assert.match(await page.textContent("#trial [role=status]"), /\d/);
    assert.deepEqual(await d.missingTexts(page), [], language);
    assert.deepEqual(await d.scrollsSideways(page), [], language);
    assert.deepEqual(await d.axeFindings(page), [], language);
    await page.fill("[name=title]", `Сүзгі ${language}`);
    await page.fill("[name=reason]", "a test of pages");
    await page.click("button[value=save]");
    await page.waitForURL(/\/filters\?saved=1/);
    const one = page.locator(".filter", { hasText: `Сүзгі ${language}` });
    assert.equal(await one.count(), 1, language);
    assert.ok((await one.textContent()).includes("a test of pages"), language);
    if (language === d.languages.at(-1)) break; // one stays, to be looked at below
    await one.locator("summary", { hasText: says("filters.end") }).click();
    await one.locator("[name=reason]").fill("the test is over");
    await one.locator("form button").click();
    await page.waitForURL(/\/filters\?ended=1/);
    assert.ok((await page.textContent("#ended")).includes("the test is over"), language);
  }
  seen.check();
});

let hunt = "";
let paper = "";

// What the browser saved, checked by the auditor's program.
async function verified(kind, path) {
  if (!process.env.QORGAN_DATA) return;
  const key = readFileSync(join(process.env.QORGAN_DATA, "keys/signer.pub"), "utf8").trim();
  await promisify(execFile)(`${process.env.QORGAN_BIN}-verify`, ["--vkey", key, kind, path]);
}

async function saved(folder, link) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

test("a certificate and an export are made, recorded in the log, downloaded and proven", { timeout: 180000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "papers-"));
  await open("/papers");
  await d.setLanguage(page, "ru");
  const api = await page.evaluate(() => fetch("/api/source.list").then((r) => r.json()));
  await page.fill("#certificate [name=source]", api.sources[0].name);
  await page.selectOption("#certificate [name=way]", api.sources[0].kind);
  await page.fill("#certificate [name=day]", new Date(Date.now() + 5 * 3600e3).toISOString().slice(0, 10));
  await page.click("#certificate button.main");
  await page.waitForURL(/\/papers\/[0-9a-f]{16}$/);
  await d.until("a sealed certificate", 90, async () => (await page.locator("#paper tbody tr").count()) > 0);
  const certificate = await saved(folder, page.locator("#paper tbody a").first());
  assert.match(readFileSync(certificate, "utf8"), /СВИДЕТЕЛЬСТВО ПОЛНОТЫ[^]*BEGIN QORGAN SEAL/);
  await verified("--certificate", certificate);
  await open("/search?q=&range=all");
  await page.click("a[href$='#export']");
  await page.waitForURL(/\/papers\?/);
  await page.selectOption("#export [name=format]", "csv");
  await page.click("#export button.main");
  await page.waitForURL(/\/papers\/[0-9a-f]{16}$/);
  await d.until("a sealed export", 90, async () => (await page.locator("#paper tbody tr").count()) > 0);
  paper = new URL(page.url()).pathname;
  const links = page.locator("#paper tbody tr").first().locator("a");
  const file = await saved(folder, links.nth(0));
  await saved(folder, links.nth(1));
  await verified("--export", file);
  assert.match(readFileSync(file, "utf8"), /^дата,время,/);
  seen.expectStatus(422);
  await open("/papers");
  await page.fill("#export [name=q]", "(unclosed");
  await page.click("#export button.main");
  await page.waitForLoadState();
  assert.equal(await page.locator("[role=alert]").count(), 1);
  assert.equal(await page.inputValue("#export [name=q]"), "(unclosed");
  rmSync(folder, { recursive: true });
  seen.check();
});

test("a query that is wrong says where", async () => {
  seen.expectStatus(422);
  await open("/search?q=" + encodeURIComponent("(unclosed"));
  assert.equal(await page.locator("[role=alert]").count(), 1);
  assert.equal(await page.inputValue("[name=q]"), "(unclosed");
  seen.check();
});

test("the card is reached and confirmed by keyboard; M-14 and M-15 run", { timeout: 60000 }, async () => {
  await open(card);
  await page.keyboard.press("Tab");
  assert.equal((await d.focused(page)).href, "#main");
  await page.keyboard.press("Enter");
  await d.tabTo(page, (at) => at.name === "reason");
  await page.keyboard.type("seen in the log");
  await d.tabTo(page, (at) => at.name === "act" && at.value === "confirm");
  await page.keyboard.press("Enter");
  await page.waitForURL(/saved=1/);
  for (const clock of ["M-14", "M-15"]) {
    const row = page.locator("#clocks tbody tr", { hasText: clock });
    assert.equal(await row.count(), 1, clock);
    assert.ok(await row.locator(".clock .span").isVisible(), clock);
    await row.locator("summary").click();
    assert.ok((await row.locator("details p").first().textContent()).trim().length > 20, `${clock} is explained`);
  }
  assert.match(await page.textContent("#history"), /admin|seen in the log/);
  seen.check();
});

test("the card keeps what was typed when it is refused, and saves it", { timeout: 60000 }, async () => {
  await open(card);
  await page.fill("[name=nature]", "<b>перебор паролей</b>");
  await page.selectOption("[name=severity]", "3");
  await page.click("#annex button.main");
  await page.waitForURL(/saved=1/);
  assert.equal(await page.inputValue("[name=nature]"), "<b>перебор паролей</b>");
  assert.equal(await page.locator("main b", { hasText: "перебор" }).count(), 0);
  seen.expectStatus(422, 409);
  await page.fill("[name=title]", " ");
  await page.fill("[name=note]", "не потерять");
  await page.click("#annex button.main");
  await page.waitForLoadState();
  assert.equal(await page.inputValue("[name=note]"), "не потерять");
  seen.check();
});

test("objects are edited", { timeout: 60000 }, async () => {
  await open("/objects/new");
  await page.fill("[name=name]", "Портал «Қорған»");
  await page.fill("[name=contact_name_0]", "Айгүл");
  await page.fill("[name=assets]", "web-*\n10.20.0.0/16");
  await page.click("form.grid button.main");
  await page.waitForURL(/\/objects\?saved=1/);
  await page.click("text=Портал «Қорған»");
  await page.waitForLoadState();
  assert.equal(await page.inputValue("[name=contact_name_0]"), "Айгүл");
  assert.match(await page.inputValue("[name=assets]"), /web-\*\n10\.20\.0\.0\/16/);
  seen.check();
});

const ruleText = "title: Written here\nlogsource:\n    product: linux\ndetection:\n    s:\n        message|contains: password\n    condition: s\nlevel: low\n";
let ownRule = "";

// What was tried and not saved would ask before it is left.
async function leave(path) {
  const accept = (dialog) => dialog.accept();
  page.on("dialog", accept);
  await open(path);
  page.off("dialog", accept);
}

test("a rule is written: wrong first, then tried, saved, and a version opened", { timeout: 60000 }, async () => {
  await open("/rules");
  await page.click('a[href="/rules/edit"]');
  await page.waitForLoadState();
  await page.fill("[name=text]", ruleText.replace("level: low", "level: dreadful"));
  await page.click("button[value=check]");
  await page.waitForSelector("#checked mark");
  assert.match(await page.textContent("#checked mark"), /level: dreadful/);
  await page.fill("[name=text]", ruleText);
  await page.fill("[name=sample]", '{"message":"a password"}');
  await page.click("button[value=try]");
  await page.waitForSelector("#tried:not([data-refresh])");
  assert.match(page.url(), /#tried$/);
  assert.equal(await page.locator("#tried .samples .verdict.yes").count() > 0, true);
  assert.equal(await page.inputValue("[name=text]"), ruleText);
  await page.fill("[name=reason]", "as the test says");
  await page.focus("button[value=save]");
  await page.keyboard.press("Enter");
  await page.waitForURL(/saved=1/);
  ownRule = new URL(page.url()).pathname;
  await page.click("#versions a");
  await page.waitForURL(/version=1/);
  assert.match(await page.inputValue("[name=text]"), /^id: [0-9a-f-]{36}\ntitle: Written here/);
  seen.check();
});

let annexSource = "";

test("coverage of Annex 4: what a source lacks, what switches it on, and its class set by a person", { timeout: 60000 }, async () => {
  await open("/coverage/annex4");
  assert.equal(await page.locator(".tabs [aria-current]").count(), 1);
  await page.locator("a[href^='/coverage/annex4/']").first().click();
  await page.waitForURL(/\/coverage\/annex4\/[0-9a-f]{32}$/);
  annexSource = new URL(page.url()).pathname;
  assert.ok((await page.locator(".annex tbody tr").count()) > 10);
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator(".files a").first().click()]);
  assert.match(file.suggestedFilename(), /\.(rules|conf|cnf|sql|txt|cmd|xml|ps1|rsc|yaml)$/);
  seen.expectStatus(422);
  await page.check("#f-network");
  await page.fill("[name=reason]", "");
  await page.click("#acts button.main");
  assert.equal(await page.locator("[aria-invalid]").count(), 1);
  assert.ok(await page.isChecked("#f-network")); // what was chosen stays
  await page.fill("[name=reason]", "as the test says");
  await page.focus("#acts button.main");
  await page.keyboard.press("Enter");
  await page.waitForURL(/saved=1/);
  assert.equal(await page.locator("section.card h2").filter({ hasText: /network equipment|сетевое|желілік/ }).count(), 1);
  seen.check();
});

test("a hunt is ordered on a rule's page, followed to its end, and read", { timeout: 90000 }, async () => {
  await open("/hunts");
  assert.equal(await page.locator("#hunts .empty").count(), 1);
  await page.click("#hunts a");
  await page.waitForURL(/\/rules$/);
  await open("/rules/7551b22b-c9e7-51d4-ac23-c93f711b146b");
  assert.match(await page.inputValue("[name=from]"), /^\d{4}-\d\d-\d\dT/);
  await page.fill("[name=from]", "");
  await page.click("#hunts form button");
  await page.waitForURL(/\/hunts\/\d+$/);
  hunt = new URL(page.url()).pathname;
  await page.waitForSelector("#hunt:not([data-refresh])", { timeout: 60000 }); // it renews itself until the end
  assert.equal(await page.locator("#hunt .state.ok").count(), 1);
  assert.equal(await page.locator("#f-stop").count(), 0);
  assert.ok((await page.locator("#by-rule a[href^='/rules/']").count()) === 1);
  await open("/hunts");
  assert.equal(await page.locator(`#hunts a[href='${hunt}']`).count(), 1);
  seen.check();
});

// The peer of tests/agent_peer.py, connected until this process ends.
const peer = `
import sys
from agent_peer import Agent, token_parse
servers, _, _ = token_parse(sys.argv[1])
agent = Agent(int(servers[0].rsplit(":", 1)[1]))
agent.enrol(sys.argv[1], host="web1.example")
link = agent.hello()
link.send("status", b'{"policy":1,"spool_bytes":900000,"spool_limit":1000000,"files":["/var/log/auth.log"]}')
print(agent.uuid.hex(), flush=True)
sys.stdin.read()`;
let agent = "";

test("an agent is enrolled by one command, and its group's policy is saved, compared and rolled back", { timeout: 60000 }, async () => {
  await open("/agents");
  assert.equal(await page.locator("main > .empty").count(), 1);
  await page.fill("#enrol [name=name]", "web1");
  await page.fill("#enrol [name=group]", "servers");
  await page.click("#enrol button.main");
  await page.waitForSelector("#command pre");
  const token = (await page.textContent("#command pre")).match(/^qorgan-agent enrol (qorgan1\.\S+)$/)[1];
  assert.deepEqual(await d.axeFindings(page), []);
  assert.equal(await page.locator("#tokens tbody tr").count(), 1);
  const env = { ...process.env, PYTHONPATH: join(process.env.QORGAN_SOURCE, "tests") };
  const process_ = spawn("python3", ["-c", peer, token], { env, stdio: ["pipe", "pipe", "inherit"] });
  after(() => process_.kill());
  const hex = await new Promise((resolve) => process_.stdout.once("data", (bytes) => resolve(String(bytes).trim())));
  agent = "/agents/" + hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  await d.until("the agent", 20, async () => {
    await open("/agents");
    return (await page.locator(`a[href='${agent}']`).count()) === 1 && (await page.locator("tbody .state.ok").count()) === 1;
  });
  await open("/agents/policies?group=servers");
  for (const [text, version] of [['{"journal":true}', 1], ['{"journal":false}', 2]]) {
    await page.fill("#save [name=text]", text);
    await page.fill("#save [name=reason]", "as agreed");
    await page.click("#save button.main");
    await page.waitForURL(/saved=1/);
    assert.equal(await page.locator(".history li").count(), version);
  }
  assert.equal(await page.locator("#difference del").count(), 1);
  assert.match(await page.textContent("#difference ins"), /"journal": false/);
  await page.click(".history a[href$='version=1']");
  await page.waitForSelector("#back");
  await page.fill("#back [name=reason]", "too little");
  await page.click("#back button");
  await page.waitForURL(/saved=1/);
  await d.until("a signature", 20, async () => {
    await open("/agents/policies?group=servers");
    const language = await page.getAttribute("html", "lang");
    return (await page.locator(".history li > b").first().textContent()) === d.texts.get("policies.is_in_force")[language];
  });
  seen.check();
});

test("what the owner found is entered, kept for a reason, removed, and its information sent", { timeout: 60000 }, async () => {
  seen.expectStatus(422);
  await open("/vulnerabilities/new");
  assert.deepEqual(await d.axeFindings(page), []);
  await page.fill("[name=title]", "Old TLS on the portal");
  await page.fill("[name=port]", "443");
  await page.fill("[name=cves]", "CVE-2011-3389, CVE-2016-2183");
  await page.click("main form button.main");
  await page.waitForSelector(".notice.bad, [role=alert]"); // it is nowhere: what was typed stays
  assert.equal(await page.inputValue("[name=title]"), "Old TLS on the portal");
  await page.fill("[name=address]", "192.0.2.80");
  await page.click("main form button.main");
  await page.waitForURL(/reports\/1\?saved=1/);
  assert.match(await page.textContent("#clocks"), /M-19/);
  await page.click("#vulnerabilities a");
  await page.waitForURL(/vulnerabilities\/1$/);
  const keep = page.locator("form", { has: page.locator("[name=category]") });
  await keep.locator("[name=category]").selectOption("production_necessity");
  await keep.locator("[name=reason]").fill("old terminals know no other version");
  await keep.locator("[name=until]").fill("2999-01-01");
  await keep.locator("button.main").click();
  await page.waitForSelector(".notice.bad, [role=alert]"); // later than six months
  assert.equal(await page.inputValue("[name=until]"), "2999-01-01");
  await page.fill("[name=until]", new Date(Date.now() + 30 * 86400000).toISOString().slice(0, 10));
  await keep.locator("button.main").click();
  await page.waitForURL(/saved=1/);
  assert.match(await page.textContent("#clocks"), /M-20/);
  await open("/vulnerabilities/reports/1");
  await page.fill("[name=note]", "letter 12 of today");
  await page.click("form button.main");
  await page.waitForURL(/saved=1/);
  await open("/vulnerabilities?state=kept&cve=CVE-2016-2183");
  assert.equal(await page.locator("#vulnerabilities tbody tr").count(), 1);
  seen.check();
});

test("the card of an object: questionnaire, draft, means, terms, and the same elsewhere", { timeout: 60000 }, async () => {
  await open("/objects/1/card");
  assert.ok((await page.locator("#missing li").count()) > 5);
  await page.fill("[name=f_city]", "Астана");
  await page.selectOption("[name=f_level]", "high");
  await page.click("button[value=draft]");
  await page.waitForURL(/card\?saved=1/);
  assert.equal(await page.inputValue("[name=f_city]"), "Астана");
  await page.click("button[value=save]");
  await page.waitForURL(/card\?saved=1/);
  await open("/objects/1/means");
  await page.fill("#row [name=name]", "server 1");
  await page.fill("#row [name=addresses]", "192.0.2.300");
  seen.expectStatus(422);
  await page.click("#row button.main");
  await page.waitForSelector("[role=alert]");
  assert.equal(await page.inputValue("#row [name=name]"), "server 1");
  await page.fill("#row [name=addresses]", "192.0.2.3, 2001:db8::3");
  await page.click("#row button.main");
  await page.waitForURL(/means\?saved=1/);
  await open("/objects/1");
  await page.fill("[name=industrial_day]", "2026-03-05");
  await page.fill("[name=contact_name_0]", "Ann");
  await page.click("form button.main");
  await page.waitForURL(/objects\?saved=1/);
  await open("/objects/1/terms");
  assert.match(await page.textContent("#clocks"), /M-01/);
  await page.selectOption("[name=act]", "told_operation");
  await page.fill("[name=note]", "letter 12");
  await page.click("#acts button.main");
  await page.waitForURL(/terms\?saved=1/);
  await open("/objects/1/exchange");
  const card = await (await page.request.get(d.base + "/objects/1/export.json")).text();
  await page.fill("[name=card]", card.replace("server 1", "server 2"));
  await page.click("button[value=see]");
  await page.waitForSelector("#changes");
  assert.match(await page.textContent("#changes"), /server 1[^]*server 2/);
  await page.click("button[value=accept]");
  await page.waitForURL(/exchange\?saved=1/);
  seen.check();
});

test("a pattern is kept, put into use, refused beside another, and taken out", async () => {
  const keep = async (name, pattern) => {
    await open("/parsers/pattern");
    await page.fill("[name=pattern]", pattern);
    await page.fill("[name=program]", "zzyzx");
    await page.fill("[name=text]", "door 7 opened by ann");
    await page.fill("[name=name]", name);
    await page.fill("[name=reason]", "our own doors");
    await page.click("button[value=save]");
    await page.waitForURL(/patterns\?saved=1/);
  };
  const act = async (name, what) => {
    const form = page.locator(`form[action="/parsers/patterns/${name}/${what}"]`).first();
    await page.locator("details", { has: form }).last().locator("summary").click();
    await form.locator("[name=reason]").fill("it was tried");
    await form.locator("button").click();
  };
  await keep("door", "door {n:num} opened by {account+}");
  await act("door", "use");
  await page.waitForURL(/patterns\?saved=1/);
  assert.equal(await page.locator(".state.ok").count(), 1);
  await keep("same", "door {x:num} opened by {y}");
  seen.expectStatus(422);
  await act("same", "use");
  await page.waitForSelector(".notice.bad, [role=alert]");
  assert.match(await page.textContent("main"), /fit the same texts/);
  assert.equal(await page.inputValue('form[action="/parsers/patterns/same/use"] [name=reason]'), "it was tried");
  await keep("door", "door {n:num} opened by {user+}");
  await act("door", "use");
  await page.waitForURL(/patterns\?saved=1/);
  await open("/parsers/patterns/door");
  assert.equal(await page.locator(".history li").count(), 2);
  seen.check();
});

test("an object's year of surveys is proposed, changed, taken, and one is put off", { timeout: 60000 }, async () => {
  await open("/objects/1/surveys?year=2027");
  assert.equal(await page.locator("#proposal tbody tr").count(), 16);
  await page.fill("#proposal [name=first_0]", "2027-01-31");
  await page.fill("#proposal [name=last_0]", "2027-01-30");
  seen.expectStatus(422);
  await page.click("#proposal button.main");
  await page.waitForSelector("[role=alert]");
  assert.equal(await page.inputValue("#proposal [name=first_0]"), "2027-01-31");
  await page.fill("#proposal [name=first_0]", "2027-01-18");
  await page.fill("#proposal [name=last_0]", "2027-01-22");
  await page.click("#proposal button.main");
  await page.waitForURL(/saved=1/);
  assert.equal(await page.locator(".surveys tbody tr").count(), 16);
  assert.equal(await page.locator("#proposal").count(), 0);
  await open("/surveys/1");
  await page.fill("#f-put_off-first_day", "2027-11-22");
  await page.fill("#f-put_off-last_day", "2027-11-26");
  await page.fill("#f-put_off-note", "the owner asked");
  await page.click("button[name=dry]");
  await page.waitForSelector("#breaks li.breaks"); // its control would leave the year
  await page.click("#breaks + p button.main");
  await page.waitForURL(/saved=1/);
  await open("/surveys/faults?year=2027");
  assert.ok((await page.locator(".faults a[href='/surveys/2']").count()) > 0);
  seen.check();
});

test("a scanner's file is uploaded, its preview looked at, and accepted", { timeout: 60000 }, async () => {
  const report = (port) => Buffer.from(`address,port,title,severity,host\n192.0.2.81,${port},Weak cipher,high,db1\n192.0.2.81,80,Old server,low,db1\n`);
  const give = async (port) => {
    await open("/vulnerabilities/uploads");
    await page.setInputFiles("#f-file", { name: `scan ${port}.csv`, mimeType: "text/csv", buffer: report(port) });
    await page.click("#upload button.main");
    await page.waitForURL(/uploads\/\d+$/);
    await page.waitForSelector("#counts"); // the page renews itself until then
  };
  await give(443);
  assert.deepEqual(await d.axeFindings(page), []);
  assert.match(await page.textContent("#terms"), /\S/);
  assert.match(await page.textContent("#strangers"), /192\.0\.2\.81/);
  await page.click("form[action$=accept] button");
  await page.waitForSelector("a[href^='/vulnerabilities/reports/']");
  await give(8443); // stays, for the pages below
  await open("/vulnerabilities/uploads");
  assert.equal(await page.locator("#uploads tbody tr").count(), 2);
  seen.check();
});

test("a document is given without scripts' help, and its signature judged", { timeout: 60000 }, async () => {
  await open("/objects/1/security");
  await page.fill("#new [name=title]", "Security policy");
  await page.fill("#new [name=approved]", "2026-01-12");
  await page.selectOption("#new [name=form]", "signed");
  await page.setInputFiles("#f-file-0", { name: "policy 14.p7m", mimeType: "application/pkcs7-mime", buffer: Buffer.from("nothing") });
  await page.click("#new button.main");
  await page.waitForURL(/documents\/\d+$/);
  await page.waitForSelector("#versions:not([data-refresh])", { timeout: 50000 }); // the page renews itself until it is judged
  assert.match(await page.textContent("#versions"), /CMS/);
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#versions a[download]")]);
  assert.equal(file.suggestedFilename(), "policy 14.p7m");
  await open("/objects/1/security");
  await page.click("#violations summary");
  await page.fill("#violations [name=day]", "2026-01-20");
  await page.fill("#violations [name=requirement]", "832 p.38");
  await page.fill("#violations [name=note]", "no log is kept");
  await page.click("#violations button.main");
  await page.waitForURL(/security\?saved=1/);
  assert.equal(await page.locator("#violations tbody tr").count(), 1);
  seen.check();
});

test("a summary of the quarter is made, stays what it was, and is downloaded", { timeout: 60000 }, async () => {
  await open("/reports");
  await page.click("a[href='/reports/new?kind=summary_17']");
  const now = new Date(Date.now() + 5 * 3600 * 1000);
  await page.fill("[name=year]", String(now.getUTCFullYear()));
  await page.selectOption("[name=quarter]", String(Math.floor(now.getUTCMonth() / 3) + 1));
  await page.fill("[name=violations]", "The policy is not approved.");
  await page.click("main form button.main");
  await page.waitForURL(/\/reports\/1$/);
  assert.ok((await page.textContent("main")).includes("The policy is not approved."));
  assert.ok((await page.locator("svg.share").count()) > 3);
  const first = await (await page.request.get(`${d.base}/reports/1/report.json`)).body();
  const again = await (await page.request.get(`${d.base}/reports/1/report.json`)).body();
  assert.deepEqual(first, again);
  assert.equal(createHash("sha256").update(first).digest("hex"), await page.textContent("main code"));
  seen.check();
});

// A page is opened once in a language and looked at in all widths.
for (const language of d.languages) {
  test(`every page in ${language} at ${d.widths.join(" and ")} px`, { timeout: 300000 }, async () => {
    const look = async (where) => {
      for (const width of d.widths) {
        const here = `${where} at ${width} in ${language}`;
        await d.resize(page, width);
        assert.deepEqual(await d.foreignTitles(page, language), [], here);
        assert.deepEqual(await d.scrollsSideways(page), [], here);
        assert.deepEqual(await d.squeezedTabs(page), [], here);
        assert.deepEqual(await d.axeFindings(page, d.axeKinds(width, language)), [], here);
      }
      assert.deepEqual(await d.missingTexts(page), [], `${where} in ${language}`);
    };
    await page.emulateMedia({ colorScheme: language === "kk" ? "dark" : "light" });
    await open("/");
    await d.setLanguage(page, language);
    const paths = ["/", "/search", "/search?q=session&range=all&own=yes", "/search?q=incident&range=all&own=yes", "/incidents", "/incidents?state=all", "/incidents/new", card, "/objects"];
    paths.push("/rules", "/rules?show=never&sort=cost", "/rules/packs", "/rules/level", "/rules/7551b22b-c9e7-51d4-ac23-c93f711b146b", "/rules/edit", ownRule, "/coverage", "/coverage/annex4", "/coverage/annex4?object=1&only=missing", annexSource, "/parsers", "/parsers/workbench", "/parsers/pattern?record=1", "/parsers/patterns", "/parsers/patterns/door", "/losses", "/losses/hours", "/changes", "/canary", "/inventory", "/terms", "/terms?state=met", "/terms/try?clock=M-10&start=2026-11-27T10:00:00", "/vulnerabilities", "/vulnerabilities/1", "/vulnerabilities/reports", "/vulnerabilities/reports/1", "/vulnerabilities/new", "/vulnerabilities/uploads", "/vulnerabilities/uploads/2", "/hunts", hunt, "/indicators", "/filters", filter, "/objects/new", "/objects/1", "/objects/1/card", "/objects/1/annex1", "/objects/1/means?row=0", "/objects/1/documents", "/objects/1/security", "/documents/1", "/objects/1/terms", "/objects/1/surveys?year=2026", "/surveys?year=2027", "/surveys/month?year=2027&month=3", "/surveys/list?year=2027", "/surveys/faults?year=2027", "/surveys/1", "/objects/1/versions/1", "/objects/1/exchange", "/objects/1/inventory", "/archive", "/archive/retention", "/archive/receivers", "/channels", "/channels/new", "/users", "/users/new", "/tokens", "/password", "/records/1", "/records/1/why", why, "/papers", paper);
    paths.push("/factor", "/reports", "/reports/new?kind=summary_17", "/reports/1", "/agents", "/agents?state=all", agent, "/agents/policies", "/agents/policies?group=servers&version=2");
    for (const path of paths) {
      await open(path);
      assert.equal(await page.getAttribute("html", "lang"), language, path);
      assert.equal(await page.locator("h1").count(), 1, path);
      await look(path);
    }
    await open("/rules/edit"); // what checks and tries show
    if (language === "ru") {
      await page.fill("[name=text]", ruleText + "---\ntitle: \n");
      await page.click("button[value=check]");
      await page.waitForSelector("#checked mark");
      await look("a wrong rule");
    }
    await page.fill("[name=text]", ruleText);
    await page.fill("[name=sample]", '{"message":"a password"}');
    await page.click("button[value=try]");
    await page.waitForSelector("#tried:not([data-refresh])");
    await look("a rule tried");
    await leave("/rules");
    seen.check();
  });
}

test("it works without scripts", { timeout: 60000 }, async () => {
  const plain = await d.launch({ javaScriptEnabled: false });
  const bare = plain.pages()[0] ?? (await plain.newPage());
  await bare.goto(d.base + "/sign-in");
  await bare.fill("[name=user]", user);
  await bare.fill("[name=password]", password);
  await bare.click("button.main");
  await bare.goto(d.base + card);
  assert.match(await bare.locator(".clock .span").first().textContent(), /\d\d:\d\d:\d\d$/);
  await bare.goto(d.base + why);
  assert.ok((await bare.locator("#why .tree .verdict").count()) > 0);
  await bare.goto(d.base + "/search?q=session&range=all");
  assert.ok((await bare.locator("h2").count()) > 0);
  await plain.close();
});

test("a search says what became of it: stopped, gone, at its limit, wrong", { timeout: 180000 }, async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  if (process.env.QORGAN_DATA) {
    const log = join(mkdtempSync(join(tmpdir(), "qorgan-lines-")), "lines.log");
    const line = (_, n) => `<86>Nov 20 10:00:00 web${n % 5} sshd[${n}]: Accepted password for user${n % 7} from 10.0.0.${n % 250}\n`;
    writeFileSync(log, Array.from({ length: 200000 }, line).join(""));
    await promisify(execFile)(process.env.QORGAN_BIN, ["ingest", "--data", process.env.QORGAN_DATA, log]);
  }
  const alert = page.locator("#found [role=alert]");
  const slow = Array.from({ length: 60 }, (_, i) => `*a*b*${i}*c*`).join(" or ");
  seen.expectStatus(404); // of the page's own question that crosses with the stop, and of what is gone below
  for (const language of d.languages) {
    await open("/");
    await d.setLanguage(page, language);
    const says = (key) => d.texts.get(key)[language];
    // stopped, also one that sorts, which then gives what it has
    for (const query of [slow, `(${slow}) or password | sort -record`]) {
      await open(`/search?range=all&q=${encodeURIComponent(query)}`);
      await page.click("#stop");
      await page.waitForURL(/stop=yes/);
      await d.until("its end", 30, async () => (await page.locator("#stop").count()) === 0);
      assert.ok((await alert.textContent()).includes(says("search.stopped")), language);
      if (query !== slow) assert.ok((await page.locator(".events li").count()) > 0);
    }
    // gone: as a page, with the way to begin anew
    await open("/search?q=password&range=all&job=00ff&stop=yes");
    assert.ok((await alert.textContent()).includes(says("error.search_gone")), language);
    assert.deepEqual(await d.axeFindings(page), []);
    await page.click("#found a.button");
    await page.waitForURL((url) => !url.searchParams.has("job") && url.searchParams.get("q") === "password");
    // at its limit: the second page counts no further than its events
    await page.click("#found a[rel=next]");
    await page.waitForURL(/before=/);
    assert.ok((await alert.textContent()).includes(says("search.incomplete")), language);
    // wrong
    seen.expectStatus(404, 422);
    await open("/search?q=a&range=custom&from=2026-11-21T00:00&to=2026-11-20T00:00");
    assert.ok((await page.textContent("[role=alert]")).includes(says("error.times_reversed")), language);
  }
  seen.check();
});

test("a search that goes away while its page is read says so once and keeps what was found", async () => {
  const address = "**/search?q=password&range=all&before=50000"; // a page that is there at once
  const notice = page.locator("#found .notice.bad");
  const progress = `data-refresh="0.2" data-whole="yes" data-from="/search?q=password&amp;range=all&amp;job=00ff">
    <div class="progress"><progress max="1000" value="1" aria-label="x"></progress></div>`;
  await page.route(address, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('<section id="found">', `<section id="found" ${progress}`);
    await route.fulfill({ response, body });
  });
  let asked = 0;
  page.on("request", (request) => (asked += request.url().includes("job=00ff") ? 1 : 0));
  seen.expectStatus(404);
  await open(address.slice(2));
  await page.locator(".events summary").first().click();
  await d.until("the word", 10, async () => (await notice.count()) > 0);
  assert.ok((await notice.textContent()).includes(d.texts.get("error.search_gone").en));
  assert.equal(await page.locator("#found a.button[href^='/search?'][href*='q=password']:not([rel])").count(), 1);
  assert.equal(await page.locator("#found .progress").count(), 0);
  assert.ok(await page.locator(".events details[open] .raw").first().isVisible());
  const until = asked; // more than one only when the first had no answer in time
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(asked, until);
  assert.equal(await page.locator("#lost").count(), 0);
  await page.unroute(address);
  seen.check();
});

// Near the end: who reads lists is started anew when one is taken, and papers and searches with it.
test("a list of indicators is given, looked at, taken, ended", { timeout: 120000 }, async () => {
  const give = async (rows) => {
    await open("/indicators");
    await page.fill("#f-list", "national");
    await page.fill("#f-source", "a centre");
    await page.setInputFiles("#f-file", { name: "feed.csv", mimeType: "text/csv", buffer: Buffer.from(`value,note\n${rows}`) });
    await page.click("#give button.main");
    await page.waitForURL(/indicators\/files\/\d+$/);
    await page.waitForSelector("#holds"); // the page renews itself until then
  };
  await give("198.51.100.201,C2\nevil.example,\nx y,\n");
  await page.click("form[action$=take] button");
  await page.waitForURL(/indicators\/lists\/\d+$/);
  await page.locator("details", { has: page.locator("form[action$=end]") }).locator("summary").click();
  await page.fill("form[action$=end] [name=reason]", "nobody vouches for it");
  await page.click("form[action$=end] button");
  await page.waitForSelector("#state .state:not(.ok)");
  await give("198.51.100.201,C2\nx y,\n");
  for (const language of d.languages) {
    await d.setLanguage(page, language);
    for (const where of ["/indicators/files/2", "/indicators/lists/1"]) {
      await open(where);
      for (const width of d.widths) {
        await d.resize(page, width);
        assert.deepEqual(await d.scrollsSideways(page), [], `${where} at ${width} in ${language}`);
        assert.deepEqual(await d.axeFindings(page, d.axeKinds(width, language)), [], `${where} at ${width} in ${language}`);
      }
      assert.deepEqual(await d.missingTexts(page), [], `${where} in ${language}`);
    }
  }
  seen.check();
});

test("signing out ends the session", async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await open("/");
  await page.click(".account button");
  await page.waitForURL(/\/sign-in$/);
  await open("/incidents");
  assert.match(page.url(), /\/sign-in/);
  seen.check();
});

// Of a phone: RFC 6238, with a secret in base32.
function phoneCode(secret, step) {
  const bits = [...secret].map((sign) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
}
const phoneStep = () => Math.floor(Date.now() / 30000);

test("a second factor is set up, asked for, once each; a recovery code does for it, once", { timeout: 120000 }, async () => {
  const look = async (where, language) => {
    for (const width of d.widths) {
      const here = `${where} at ${width} in ${language}`;
      await d.resize(page, width);
      assert.deepEqual(await d.scrollsSideways(page), [], here);
      assert.deepEqual(await d.axeFindings(page, d.axeKinds(width, language)), [], here);
    }
    assert.deepEqual(await d.missingTexts(page), [], `${where} in ${language}`);
    assert.equal(await page.locator("h1").count(), 1, where);
  };
  let secret = "";
  await open("/sign-in");
  await signIn(user, password);
  for (const language of d.languages) {
    await open("/");
    await d.setLanguage(page, language);
    await open("/password");
    await page.click("a[href='/factor']");
    await page.fill("[name=password]", password);
    await page.click("form[action='/factor/begin'] button.main");
    await page.waitForSelector("#secret");
    await look("setting up", language);
    secret = (await page.textContent("#secret")).replaceAll(" ", "");
    assert.match(secret, /^[A-Z2-7]{32}$/);
    assert.ok((await page.textContent("#uri")).includes(`secret=${secret}&`), language);
    assert.ok((await page.locator("svg.qr").boundingBox()).width > 150, "a camera can read it");
  }
  seen.expectStatus(403);
  const wrong = ["000000", "111111", "222222", "333333"].find((code) => ![-1, 0, 1, 2].some((near) => phoneCode(secret, phoneStep() + near) === code));
  await page.fill("[name=code]", wrong);
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  assert.equal(await page.locator("#secret").count(), 0, "it is not shown twice");
  assert.equal(await page.getAttribute("[name=code]", "autocomplete"), "one-time-code");
  assert.equal(await page.getAttribute("[name=code]", "inputmode"), "numeric");
  await page.fill("[name=code]", phoneCode(secret, phoneStep()));
  await page.keyboard.press("Enter");
  await page.waitForSelector("#recovery");
  let recovery = await page.locator("#recovery code").allTextContents();
  assert.equal(new Set(recovery).size, 10);
  await look("recovery codes", "en");
  const out = async () => {
    await open("/password");
    await page.click(".account button");
    await page.waitForURL(/\/sign-in$/);
    await signIn(user, password);
    await page.waitForURL(/\/sign-in\/code$/);
  };
  let code = "";
  seen.expectStatus(401, 403);
  for (const language of d.languages) {
    await out();
    await d.setLanguage(page, language);
    await look("the code is asked for", language);
    if (language === "kk") {
      assert.equal(await page.evaluate(() => fetch("/api/object.list").then((r) => r.status)), 401, "half in is not in");
      code = phoneCode(secret, phoneStep() + 1); // that of now may be the one that confirmed
      await page.fill("[name=code]", code);
    } else {
      await page.fill("[name=code]", code); // it was used
      await page.keyboard.press("Enter");
      await page.waitForSelector("[role=alert]");
      await page.click("details summary");
      await page.fill("[name=recovery]", language === "ru" ? recovery[0].toLowerCase().replaceAll(" ", "-") : recovery[1]);
    }
    await page.keyboard.press("Enter");
    await page.waitForURL(d.base + "/");
  }
  await open("/factor");
  assert.equal(await page.textContent("#codes-left"), "8");
  await page.fill("[name=password]", password);
  await page.click("details summary");
  await page.fill("[name=recovery]", recovery[0]); // it was used
  await page.click("form[action='/factor/codes'] button.main");
  await page.waitForSelector("[role=alert]");
  for (const language of d.languages) {
    await d.setLanguage(page, language);
    await open("/factor");
    await look("one that is on", language);
    if (language !== "ru") continue;
    await open("/users");
    await page.locator("#policy summary").click();
    await look("who must have one", language);
  }
  seen.check();
});
