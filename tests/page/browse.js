// SPDX-License-Identifier: GPL-2.0
// browse.js DIR LIVE_DIR HOSTILE_DIR HOSTILE_LIVE_DIR SERVER PICTURES: the pages in Chromium. Prints TAP.
"use strict";

const { spawn, execFileSync } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { chromium } = require("playwright-core");

const [dir, liveDir, hostileDir, hostileLiveDir, server, pictures] = process.argv.slice(2);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const MAC = "02:00:00:00:00:01";
const PAGES = { overview: "/", devices: "/devices", device: `/device/${MAC}`, policy: "/policy", events: "/events",
	firmware: "/firmware", missing: "/nowhere" };
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
let n = 0, failed = 0;

function ok(good, name, why) {
	if (!good && why)
		console.log("# " + String(why).replaceAll("\n", "\n# "));
	console.log(`${good ? "ok" : "not ok"} ${++n} - ${name.replaceAll("#", "")}`);
	failed += !good;
	return good;
}

function serve(...args) {
	const child = spawn(server, args, { stdio: ["ignore", "pipe", "inherit"] });
	const said = [];

	return new Promise((resolve, reject) => {
		child.once("exit", () => reject(new Error("page-server ended")));
		child.stdout.on("data", (data) => {
			said.push(...String(data).trim().split("\n"));
			resolve({ child, said, url: `http://127.0.0.1:${said[0]}` });
		});
	});
}

// What a page may not do, whatever is on it: say something to the console, open a dialog, load what is not there.
async function open(browser, options) {
	const context = await browser.newContext({ timezoneId: "UTC", ...options });
	const page = await context.newPage();
	const faults = [];

	page.on("console", (m) => { if (["error", "warning"].includes(m.type())) faults.push(m.text()); });
	page.on("pageerror", (e) => faults.push(String(e)));
	page.on("dialog", (d) => { faults.push("dialog: " + d.message()); d.dismiss(); });
	page.on("requestfailed", (r) => {
		// What is still on its way when the next page is asked for.
		if (r.failure().errorText !== "net::ERR_ABORTED")
			faults.push(`failed: ${r.url()} ${r.failure().errorText}`);
	});
	return { context, page, faults };
}

async function violations(page) {
	await page.evaluate(axe);
	const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
	return result.violations.map((v) => `${v.id}: ${v.help}\n` + v.nodes.slice(0, 3).map((node) => "  " + node.html.slice(0, 200) +
		"\n  " + node.failureSummary).join("\n"));
}

async function settled(page, path) {
	if (path.startsWith("/device/"))
		await page.waitForFunction(() => document.querySelectorAll(".plot.enhanced canvas").length >= 4);
}

// axe is put into the page by the debugger, which the page's policy does not bind.
async function look(browser, at, size, scheme) {
	const { context, page, faults } = await open(browser, { viewport: SIZES[size], colorScheme: scheme });

	for (const [name, path] of Object.entries(PAGES)) {
		const answer = await page.goto(at.url + path);
		const what = `${name}, ${size}, ${scheme}`;

		await settled(page, path);
		await page.screenshot({ path: `${pictures}/${name}-${size}-${scheme}.png`, fullPage: name !== "devices" });
		ok(answer.status() === (name === "missing" ? 404 : 200), `${what}: answers`, answer.status());
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		ok(wide <= 0, `${what}: no wider than the window`, `${wide} px`);
		const found = await violations(page);
		ok(!found.length, `${what}: axe finds nothing`, found.join("\n"));
	}
	// A 404 is an error to the console, and the one that is meant.
	const wrong = faults.filter((f) => !f.includes("404"));
	ok(!wrong.length, `${size}, ${scheme}: nothing goes wrong`, wrong.join("\n"));
	await context.close();
}

async function hostile(browser, at) {
	const { context, page, faults } = await open(browser, { viewport: SIZES.phone });
	const paths = ["/", "/devices", "/policy", "/events", "/firmware"];

	for (let i = 1; i <= 14; i++)
		paths.push(`/device/02:00:00:00:00:${i.toString(16).padStart(2, "0")}`);
	for (const path of paths) {
		await page.goto(at.url + path);
		await settled(page, path);
		const found = await page.evaluate(() => ({
			wide: document.documentElement.scrollWidth - window.innerWidth,
			planted: document.querySelectorAll("script:not([src]), img, [onerror], [onload], [onmouseover], [style]:not(.plot *), " +
				"textarea, main svg:not(.plot svg), a[href^=javascript]").length,
		}));
		ok(!found.planted, `hostile names, ${path}: no markup of theirs`, found.planted);
		ok(found.wide <= 0, `hostile names, ${path}: no wider than the window`, `${found.wide} px`);
	}
	const found = await violations(page);
	ok(!found.length, "hostile names: axe finds nothing", found.join("\n"));
	await page.goto(at.url + "/");
	await page.screenshot({ path: `${pictures}/hostile-overview.png`, fullPage: true });
	await page.goto(at.url + "/devices");
	await page.screenshot({ path: `${pictures}/hostile-devices.png` });
	ok((await page.locator("tbody th").allTextContents()).includes("<script>alert(1)</script>"), "hostile names: are there as text");
	ok(!faults.length, "hostile names: nothing runs, no dialog, nothing on the console", faults.join("\n"));
	ok(!at.said.some((line) => line.includes("/csp")), "hostile names: no report of the content security policy", at.said.join("\n"));
	await context.close();
}

// The control: what is inline does not run, and is reported. Otherwise the case above would say nothing.
async function control(browser, at) {
	const { context, page, faults } = await open(browser, {});

	await page.goto(at.url + "/firmware");
	await page.evaluate(() => {
		document.body.insertAdjacentHTML("beforeend", "<p style='color: red' onclick='alert(1)' id='planted'>x</p>");
		document.querySelector("#planted").click();
	});
	for (const end = Date.now() + 5000; Date.now() < end && !at.said.some((line) => line.includes("/csp"));)
		await page.waitForTimeout(20);
	ok(faults.some((f) => f.includes("Content Security Policy")) && !faults.some((f) => f.startsWith("dialog")),
	   "the policy of the page stops what is inline, and says so", faults.join("\n"));
	ok(at.said.some((line) => line.includes("/csp")), "and reports it", at.said.join("\n"));
	await context.close();
}

const facts = () => Array.from(document.querySelectorAll("main td, main th, main dd, main li, main h1, main h2"),
	(e) => e.textContent.trim()).filter((t) => !t.includes("ago") && !/^in \d/.test(t));

async function withoutScript(browser, at) {
	const plain = await open(browser, { javaScriptEnabled: false, viewport: SIZES.desk }), rich = await open(browser, {});

	for (const [name, path] of Object.entries(PAGES)) {
		let missing = [];

		// What is counted since yesterday may be one less a second later; then both are asked again.
		for (let times = 0; times === 0 || (missing.length && times < 5); times++) {
			await rich.page.goto(at.url + path);
			await settled(rich.page, path);
			await plain.page.goto(at.url + path);
			// Chromium evaluates for its debugger also where pages may not.
			const there = new Set(await plain.page.evaluate(facts));
			missing = (await rich.page.evaluate(facts)).filter((fact) => !there.has(fact));
		}
		ok(!missing.length, `${name}: without JavaScript every fact is there`, missing.slice(0, 5).join("\n"));
	}
	await plain.page.goto(at.url + PAGES.device);
	ok(await plain.page.locator(".plot svg").first().isVisible(), "device: without JavaScript there is a plot");
	await plain.page.locator("details summary").first().click();
	ok(await plain.page.locator("details table").first().isVisible(), "device: without JavaScript there are its numbers");
	await plain.page.screenshot({ path: `${pictures}/device-plain.png`, fullPage: true });
	await plain.page.goto(at.url + "/devices");
	await plain.page.fill("input[name=q]", "lamp-13");
	await plain.page.keyboard.press("Enter");
	await plain.page.waitForURL(/q=lamp-13/);
	ok(await plain.page.locator("tbody tr").count() === 1, "devices: without JavaScript they are searched");
	await plain.page.goto(at.url + PAGES.device);
	await plain.page.locator(".acts button").click();
	ok(at.said.some((line) => /^POST \/device\/02:00:00:00:00:01\/(quarantine|release) token=token-of-a-test&back=%2Fdevice%2F02%3A00%3A00%3A00%3A00%3A01$/.test(line)),
	   "device: without JavaScript an operator acts", at.said.join("\n"));
	await plain.context.close();
	await rich.context.close();
}

async function keyboard(browser, at) {
	const { context, page } = await open(browser, { viewport: SIZES.desk });

	for (const [name, path] of Object.entries(PAGES)) {
		await page.goto(at.url + path);
		await settled(page, path);
		const all = await page.evaluate(() => {
			const list = Array.from(document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary"))
				.filter((e) => e.checkVisibility());
			list.forEach((e, i) => { e.dataset.stop = i; });
			return list.length;
		});
		const reached = new Set();
		let hidden = 0;

		for (let i = 0; i < 3 * all + 50 && reached.size < all; i++) {
			await page.keyboard.press("Tab");
			const at = await page.evaluate(() => {
				const e = document.activeElement, box = e.getBoundingClientRect();
				return { stop: e.dataset.stop, seen: getComputedStyle(e).outlineStyle !== "none" && box.width > 0 };
			});
			if (at.stop !== undefined && !reached.has(at.stop)) {
				reached.add(at.stop);
				hidden += !at.seen;
			}
		}
		ok(reached.size === all && !hidden, `${name}: the keyboard reaches all ${all}, and shows where it is`,
		   `${reached.size} of ${all}, ${hidden} without an outline`);
	}
	await page.goto(at.url + "/devices");
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	ok(await page.evaluate(() => document.activeElement.id === "main"), "the first link skips to the content");
	await context.close();
}

const PUT = `
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
now = int(time.time())
if sys.argv[2] == "new":
    db.execute("INSERT INTO episode(id, device, kind, first, last, count, server) VALUES (9000001, 2, 'scan', ?, ?, 1, ?)",
               (now, now, "<b>\\n\\nevent: row\\ndata: <script>alert(6)</script>"))
else:
    db.execute("UPDATE episode SET last = ?, count = 77 WHERE id = 9000001", (now + 1,))
db.commit()
`;

async function live(browser, at) {
	const { context, page, faults } = await open(browser, {});
	const row = page.locator("tr[data-key=anomaly-9000001-0]");

	await page.goto(at.url + "/events");
	await page.waitForFunction(() => document.querySelector("#live").textContent.startsWith("Live"));
	execFileSync("python3", ["-c", PUT, dir + "/history.db", "new"]);
	await row.waitFor();
	ok(await page.locator("tbody tr").first().getAttribute("data-key") === "anomaly-9000001-0", "events: a new one comes by itself, on top");
	ok((await row.textContent()).includes("<script>alert(6)</script>"), "events: what comes is text", await row.textContent());
	ok(await row.locator("form").getAttribute("action") === "/episode/9000001/acknowledge", "events: an operator may acknowledge it");
	execFileSync("python3", ["-c", PUT, dir + "/history.db", "more"]);
	await page.waitForFunction(() => /77/.test(document.querySelector("tr[data-key=anomaly-9000001-0]").textContent));
	ok(await row.count() === 1, "events: one that goes on is there once");
	ok(!faults.length, "events: nothing goes wrong", faults.join("\n"));
	await context.close();
}

async function main() {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
	const at = await serve(dir, liveDir, "anna"), bad = await serve(hostileDir, hostileLiveDir, "anna");

	try {
		for (const size of Object.keys(SIZES))
			for (const scheme of ["light", "dark"])
				await look(browser, at, size, scheme);
		await hostile(browser, bad);
		await control(browser, bad);
		await withoutScript(browser, at);
		await keyboard(browser, at);
		await live(browser, at);
	} catch (error) {
		ok(false, "ran to its end", error.stack);
	} finally {
		await browser.close();
		at.child.kill();
		bad.child.kill();
	}
	console.log(`1..${n}`);
	process.exit(failed ? 1 : 0);
}

main();
