// The archive page of a server that health.py prepared, at each width and in each language.
// usage: node archive.mjs NAME      NAME begins the names of the pictures, which are kept when PICTURES names a folder.
import assert from "node:assert/strict";
import * as d from "./driver.mjs";

const context = await d.launch();
const page = context.pages()[0] ?? (await context.newPage());
const seen = d.watch(page);
await page.goto(d.base + "/sign-in");
await page.fill("[name=user]", process.env.QORGAN_USER);
await page.fill("[name=password]", process.env.QORGAN_PASSWORD);
await page.click("button.main");
await page.waitForLoadState();
// The page behind it: a row for each forwarder, whatever length its texts have.
async function receivers(where, language, width) {
  await page.goto(d.base + "/archive/receivers");
  if (process.env.PICTURES)
    await page.screenshot({ path: `${process.env.PICTURES}/${where}-receivers.png`, fullPage: true });
  assert.deepEqual(await d.missingTexts(page), [], where);
  assert.deepEqual(await d.scrollsSideways(page), [], where);
  assert.deepEqual(await d.axeFindings(page, d.axeKinds(width, language)), [], where);
  assert.equal(await page.locator("main tbody tr").count(), 3, where);
}
for (const width of d.widths) {
  for (const language of d.languages) {
    const where = `${process.argv[2]}-${width}-${language}`;
    await d.resize(page, width);
    await page.emulateMedia({ colorScheme: language === "kk" ? "dark" : "light" });
    await page.goto(d.base + "/");
    await d.setLanguage(page, language);
    await page.goto(d.base + "/archive");
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${where}.png`, fullPage: true });
    assert.equal(await page.getAttribute("html", "lang"), language, where);
    assert.deepEqual(await d.missingTexts(page), [], where);
    assert.deepEqual(await d.scrollsSideways(page), [], where);
    assert.deepEqual(await d.axeFindings(page, d.axeKinds(width, language)), [], where);
    assert.ok((await page.locator("#witnesses tbody tr").count()) >= 1, where);
    assert.ok((await page.locator("main .tiles .tile").count()) >= 10, where);
    await receivers(where, language, width);
    await page.goto(d.base + "/archive");
    // the icon of a notice stands beside its first words, never above them
    for (const notice of await page.locator("main .notice").all()) {
      const icon = await notice.locator(".icon").boundingBox();
      const words = await notice.locator("span").first().boundingBox();
      assert.ok(icon.x + icon.width <= words.x + 1, `${where}: the icon of a notice`);
    }
  }
}
seen.check();
await context.close();
